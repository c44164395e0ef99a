// A desktop and its backend in JavaScript, with an OpenID-certified library as it
// comes. Each line on standard output is an event that the test waits for:
// "approve URL" asks for a person, "done STEP" says that a step held.
import {createServer} from 'node:http';
import {once} from 'node:events';
import assert from 'node:assert/strict';
import * as client from 'openid-client';

const {ISSUER, CLIENT_ID, CLIENT_SECRET, CLIENT_KEY, DPOP, SCOPE = 'openid profile offline_access'} = process.env;
const say = (...words) => console.log(words.join(' '));

async function authentication() {
  if (CLIENT_SECRET) return client.ClientSecretBasic(CLIENT_SECRET);
  if (!CLIENT_KEY) return client.None();
  const key = await crypto.subtle.importKey(
    'jwk', JSON.parse(CLIENT_KEY), {name: 'ECDSA', namedCurve: 'P-256'}, false, ['sign']);
  return client.PrivateKeyJwt(key);
}

const config = await client.discovery(new URL(ISSUER), CLIENT_ID, undefined, await authentication(), {
  execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
});
say('done', 'discovery');

const proving = DPOP ? {DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair())} : {};

async function deviceFlow() {
  const response = await client.initiateDeviceAuthorization(config, {scope: SCOPE});
  say('approve', response.verification_uri_complete);
  return client.pollDeviceAuthorizationGrant(config, {...response, interval: 1}, undefined, proving);
}

async function codeFlow() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const redirect_uri = `http://127.0.0.1:${server.address().port}/callback`;
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const nonce = client.randomNonce();
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri, scope: SCOPE, state, nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  say('approve', address.href);
  const [request, response] = await once(server, 'request');
  response.end('You may close this page.', () => {
    server.close();
    server.closeAllConnections(); // a browser keeps its own open
  });
  const arrived = new URL(request.url, redirect_uri);
  return client.authorizationCodeGrant(config, arrived, {
    pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
  }, undefined, proving);
}

async function use(tokens) {
  const claims = tokens.claims();
  assert.equal(claims.acr, 'phr');
  assert.equal(tokens.token_type, DPOP ? 'dpop' : 'bearer');
  const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub, proving);
  assert.equal(info.name, 'Ada');
  say('done', 'userinfo');

  const next = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, proving);
  assert.notEqual(next.refresh_token, tokens.refresh_token);
  assert.equal(next.claims().sub, claims.sub);
  say('done', 'refresh');

  if (CLIENT_SECRET || CLIENT_KEY) {
    const known = await client.tokenIntrospection(config, next.access_token);
    assert.equal(known.active, true);
    assert.equal(known.sub, claims.sub);
    assert.equal(Boolean(known.cnf?.jkt), Boolean(DPOP));
    say('done', 'introspection');
  }

  await client.tokenRevocation(config, next.refresh_token);
  await assert.rejects(client.fetchUserInfo(config, next.access_token, claims.sub, proving));
  if (CLIENT_SECRET || CLIENT_KEY) {
    assert.deepEqual(await client.tokenIntrospection(config, next.access_token), {active: false});
  }
  say('done', 'revocation');
}

await use(await deviceFlow());
say('done', 'device');
await use(await codeFlow());
say('done', 'code');
