// The script of the phone's pages. It holds no words and no paths: both come from data attributes of the page.
(() => {
  'use strict';

  const main = document.querySelector('main');
  const words = {...document.body.dataset, ...main.dataset};
  const one = selector => main.querySelector(selector);
  const all = selector => [...main.querySelectorAll(selector)];
  const show = (selector, visible) => all(selector).forEach(element => { element.hidden = !visible; });
  const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
  const hasPasskeys = Boolean(window.PublicKeyCredential && navigator.credentials);

  // ── Talking to the server ──

  // Refusal is the server's no, in words for the person.
  class Refusal extends Error {
    constructor(answer) {
      super(answer.message || words.sayFailed);
      this.location = answer.location;
    }
  }

  // post sends once more, and again, what a busy server has taken nothing of: a person who has touched the sensor
  // should not have to do so again.
  async function post(path, body, signal) {
    for (let tries = 1; ; tries++) {
      const response = await send(path, body, signal);
      const answer = response.status === 204 ? {} : await response.json().catch(() => ({}));
      if (response.ok) return answer;
      if (answer.error !== 'busy' || tries > 3) throw new Refusal(answer);
      tell(answer.message, true);
      await pause(Math.min(Number(response.headers.get('Retry-After')) || 1, 5) * 1000);
      if (signal) signal.throwIfAborted();
      tell('');
    }
  }

  async function send(path, body, signal) {
    try {
      return await fetch(path, {
        method: 'POST',
        credentials: 'same-origin',
        headers: {'Content-Type': 'application/json', Accept: 'application/json'},
        body: JSON.stringify(body),
        signal,
      });
    } catch (error) {
      throw error.name === 'AbortError' ? error : new Refusal({message: words.sayOffline});
    }
  }

  let leaving = false;

  // go leaves for another page of this origin, and never for any other.
  function go(target) {
    const url = new URL(target, location.href);
    if (url.origin !== location.origin) throw new Refusal({});
    leaving = true;
    location.replace(url);
  }

  // leave goes back to the app, at the address that the server answered as `return` and no other. A web address takes
  // this page's place; before an app of the computer the page stays in sight.
  function leave(target) {
    const url = new URL(target);
    if (/^(javascript|data|blob|file|about|vbscript):$/.test(url.protocol)) throw new Refusal({});
    leaving = /^https?:$/.test(url.protocol);
    location.replace(url);
  }

  // ── Passkeys: JSON to buffers and back, by hand, because not every browser does it alike ──

  const bytes = text => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0));
  const encode = buffer => btoa(Array.from(new Uint8Array(buffer), b => String.fromCharCode(b)).join(''))
    .replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  const descriptors = list => (list || []).map(item => ({...item, id: bytes(item.id)}));

  async function usePasskey({publicKey}, signal, hints) {
    const options = {
      ...publicKey,
      challenge: bytes(publicKey.challenge),
      allowCredentials: descriptors(publicKey.allowCredentials),
    };
    if (hints) options.hints = hints;
    const credential = await navigator.credentials.get({publicKey: options, signal});
    return toJSON(credential, ['clientDataJSON', 'authenticatorData', 'signature', 'userHandle']);
  }

  async function createPasskey({publicKey}, signal) {
    const options = {
      ...publicKey,
      challenge: bytes(publicKey.challenge),
      user: {...publicKey.user, id: bytes(publicKey.user.id)},
      excludeCredentials: descriptors(publicKey.excludeCredentials),
    };
    const credential = await navigator.credentials.create({publicKey: options, signal});
    const json = toJSON(credential, ['clientDataJSON', 'attestationObject']);
    if (credential.response.getTransports) json.response.transports = credential.response.getTransports();
    return json;
  }

  function toJSON(credential, members) {
    const response = {};
    for (const member of members) {
      if (credential.response[member]) response[member] = encode(credential.response[member]);
    }
    return {
      id: credential.id,
      rawId: encode(credential.rawId),
      type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment || undefined,
      clientExtensionResults: credential.getClientExtensionResults(),
      response,
    };
  }

  // ── One ceremony at a time ──

  let running = null;

  let status = one('[data-status]');

  // below is the place for words about a button: the first one that follows it.
  const below = button => all('[data-status]')
    .find(place => button.compareDocumentPosition(place) & Node.DOCUMENT_POSITION_FOLLOWING) || status;

  // tell says what happened, below the button; calmly when nothing is wrong.
  function tell(text, calm = false) {
    if (!status) return;
    status.classList.toggle('calm', calm);
    status.textContent = text;
    if (text) status.scrollIntoView({block: 'nearest'});
  }

  const lock = locked => all('[data-approve], [data-approve-elsewhere], [data-sign-in], [data-add-passkey], [data-renew-codes], [data-ask] button, [data-create] button, [data-back]')
    .forEach(button => { button.disabled = locked; });

  // run does the work of a button; the button is busy until the work ends or leads to another page.
  async function run(button, work) {
    if (running || leaving) return;
    running = new AbortController();
    lock(true);
    button.setAttribute('aria-busy', 'true');
    tell('');
    status = below(button);
    try {
      await work(running.signal);
    } catch (error) {
      explain(error);
    }
    running = null;
    if (leaving) return;
    lock(false);
    button.removeAttribute('aria-busy');
  }

  function explain(error) {
    if (leaving || error.name === 'AbortError') return;
    if (error instanceof Refusal) {
      if (error.location) return go(error.location);
      return tell(error.message);
    }
    if (error.name === 'NotAllowedError') {
      show('[data-before-dismissal]', false);
      show('[data-after-dismissal]', true);
      return tell(words.sayDismissed, true);
    }
    tell(error.name === 'InvalidStateError' ? words.sayDuplicate : words.sayFailed);
  }

  const onPress = (selector, work) => all(selector)
    .forEach(button => button.addEventListener('click', () => run(button, work)));

  const onSubmit = (selector, work) => all(selector).forEach(form => form.addEventListener('submit', event => {
    event.preventDefault();
    run(form.querySelector('button'), work);
  }));

  // ── Recovery codes: this tab's memory until they are saved ──

  const codesKey = 'qrauth.recovery_codes';

  function keptCodes() {
    try {
      return JSON.parse(sessionStorage.getItem(codesKey)) || [];
    } catch {
      return [];
    }
  }

  // finish follows the answer that ends a ceremony.
  function finish(answer) {
    if (answer.recovery_codes && answer.recovery_codes.length) {
      try {
        sessionStorage.setItem(codesKey, JSON.stringify(answer.recovery_codes));
      } catch { /* a browser without storage: new codes can be made on the account page */ }
    }
    if (!answer.location) throw new Refusal(answer);
    if (answer.return) settle(answer.return);
    else go(answer.location);
  }

  // settle makes the question the page that says that it was answered, and goes back to the app, which waits. Codes
  // that nobody has saved are still this tab's, for who comes back to it.
  function settle(target) {
    const done = one('template[data-done]');
    document.title = done.dataset.title;
    main.className = 'card ending';
    main.dataset.page = 'returned';
    main.dataset.outcome = 'approved';
    main.replaceChildren(done.content);
    status = one('[data-status]');
    pages.returned();
    one('h1').focus();
    if (keptCodes().length) offerCodes();
    leave(target);
  }

  function offerCodes() {
    const codes = keptCodes();
    show('[data-with-codes]', codes.length > 0);
    show('[data-without-codes]', codes.length === 0);
    if (!codes.length) return;
    all('[data-page=returned] details[data-with-codes]').forEach(aside => { aside.open = true; });
    const text = codes.join('\n') + '\n';
    const say = sentence => { one('[data-codes-status]').textContent = sentence; };
    one('[data-codes]').replaceChildren(...codes.map(code => {
      const item = document.createElement('li');
      item.textContent = code;
      return item;
    }));
    one('[data-copy-codes]').addEventListener('click', () => copy(text, say));
    one('[data-print]').addEventListener('click', () => window.print());
    one('[data-download-codes]').addEventListener('click', event => {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([text], {type: 'text/plain'}));
      link.download = event.currentTarget.dataset.downloadCodes;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    one('[data-saved]').addEventListener('click', () => {
      sessionStorage.removeItem(codesKey);
      show('details[data-with-codes]', false);
    });
  }

  // ── A denial: noted when it is sent, so that the page it leads to goes back to the app, once and in this tab only ──

  const denialKey = 'qrauth.denial';

  function noteDenial(here) {
    try {
      sessionStorage.setItem(denialKey, here);
    } catch { /* a browser without storage: that page has a button */ }
  }

  function tookDenial(here) {
    try {
      const noted = sessionStorage.getItem(denialKey);
      sessionStorage.removeItem(denialKey);
      return noted === here;
    } catch {
      return false;
    }
  }

  async function copy(text, say) {
    try {
      await navigator.clipboard.writeText(text);
      say(words.sayCopied, true);
    } catch {
      say(words.sayCopyFailed, false);
    }
  }

  // ── Watching a sign-in ──

  // reconnecting says whether the server is out of reach. Words that stand there already are not announced again.
  function reconnecting(lost) {
    const text = lost ? words.sayReconnecting : '';
    all('[data-reconnecting]').forEach(place => { if (place.textContent !== text) place.textContent = text; });
  }

  // watch reports each snapshot until onState says that it is done. The server holds a request until something
  // changes; without `since` it answers at once.
  function watch(onState) {
    let seq = main.dataset.seq;
    let poll = null;
    let hurried = false;
    let wait = 1000;

    async function ask() {
      poll = new AbortController();
      const timer = setTimeout(() => poll.abort(), 30000);
      const query = hurried ? '' : `?since=${encodeURIComponent(seq)}`;
      hurried = false;
      try {
        const response = await fetch(main.dataset.watch + query, {
          credentials: 'same-origin', cache: 'no-store', headers: {Accept: 'application/json'}, signal: poll.signal,
        });
        const answer = await response.json();
        if (!response.ok && answer.location) go(answer.location);
        if (!response.ok) throw new Error(answer.error);
        return answer;
      } finally {
        clearTimeout(timer);
      }
    }

    async function loop() {
      while (!leaving) {
        const began = Date.now();
        try {
          const answer = await ask();
          if (leaving) return;
          const moved = String(answer.seq) !== String(seq);
          seq = answer.seq;
          wait = 1000;
          reconnecting(false);
          if (onState(answer)) return;
          if (!moved && Date.now() - began < 1000) await pause(1000);
        } catch {
          if (hurried || leaving) continue;
          reconnecting(true);
          await pause(wait);
          wait = Math.min(wait * 2, 10000);
          hurried = true; // a server that is back answers at once, and the page stops saying that it is lost
        }
      }
    }

    loop();
    return {
      hurry() {
        hurried = true;
        if (poll) poll.abort();
      },
    };
  }

  // warnOfSecond says that a second browser has opened the code. The buttons below may move: for a moment, a tap that was
  // meant for a no is no yes.
  function warnOfSecond(state) {
    const warning = one('[data-opened-twice]');
    if (!state.opened_twice || !warning || !warning.hidden) return;
    warning.hidden = false;
    warning.scrollIntoView({block: 'nearest'});
    lock(true);
    setTimeout(() => { if (!running && hasPasskeys) lock(false); }, 1000);
  }

  // countdown shows the time left, and calls onZero's work once each time it runs out.
  function countdown() {
    let atZero = () => {};
    let deadline = 0;
    let over = false;
    const asked = Date.now() - Number(main.dataset.asked) * 1000;
    const [clock, ago] = [one('[data-countdown]'), one('[data-asked-ago]')];
    const minutes = new Intl.RelativeTimeFormat(document.documentElement.lang, {numeric: 'always'});

    function tick() {
      const left = Math.max(0, Math.ceil((deadline - Date.now()) / 1000));
      clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
      const age = Math.floor((Date.now() - asked) / 60000);
      if (age > 0 && ago) ago.textContent = minutes.format(-age, 'minute');
      if (left === 0 && !over) atZero();
      over = left === 0;
    }

    const set = seconds => { deadline = Date.now() + seconds * 1000; tick(); };
    set(Number(main.dataset.left));
    setInterval(tick, 1000);
    return {set, onZero(work) { atZero = work; }};
  }

  // ── The pages ──

  const pages = {
    code() {
      const field = one('[name=user_code]');
      const size = 8;
      const group = text => text.length > 4 ? `${text.slice(0, 4)}-${text.slice(4)}` : text;
      const plain = text => text.toUpperCase().replace(/[^A-Z0-9]/g, '');
      // A whole link may be pasted, too: the code is in its query.
      const linked = text => plain((text.match(/user_code=([a-z0-9-]+)/i) || [])[1] || '');

      field.addEventListener('input', event => {
        if (event.isComposing) return;
        let code = linked(field.value);
        let before = code.length;
        if (!code) {
          code = plain(field.value);
          before = plain(field.value.slice(0, field.selectionStart)).length;
          // What comes into a full field takes the place of what followed it.
          const surplus = Math.max(0, code.length - size);
          code = code.slice(0, before) + code.slice(before + surplus);
        }
        field.value = group(code.slice(0, size));
        const caret = before > 4 ? before + 1 : before;
        field.setSelectionRange(caret, caret);
      });

      // A code that was not accepted: selected, so that typing starts over, and a tap mends one letter.
      if (!field.value) return;
      field.value = group(linked(field.value) || plain(field.value));
      field.select();
    },

    confirm() {
      const {here, scan, begin, finish: end, entry} = main.dataset;
      let {linkKey} = main.dataset;
      const code = one('[data-user-code]');
      const spoken = one('[data-user-code-spoken]');
      const spell = text => text.split('-').map(letters => [...letters].join(' ')).join(', ');
      let finishing = false; // the answer carries a cookie: nothing may interrupt it

      const approve = hints => async signal => {
        const options = await post(begin, {}, signal);
        const credential = await usePasskey(options, signal, hints);
        finishing = true;
        try {
          finish(await post(end, credential));
        } finally {
          finishing = false;
          watcher.hurry(); // what was ignored meanwhile counts again
        }
      };
      onPress('[data-approve]', approve());
      onPress('[data-approve-elsewhere]', approve(['hybrid']));

      const time = countdown();
      const watcher = watch(state => {
        if (main.dataset.page !== 'confirm') return true; // the question was answered, and another page has its place
        const open = ['pending', 'scanned', 'confirming'].includes(state.state) && !state.claimed_elsewhere;
        if (!open && !finishing) {
          if (running) running.abort();
          go(here);
          return true;
        }
        if (code && state.user_code && state.user_code !== code.textContent) {
          code.textContent = state.user_code;
          spoken.textContent = spell(state.user_code);
        }
        if (state.user_code) linkKey = state.link_key;
        warnOfSecond(state);
        if (state.expires_in !== undefined) time.set(state.expires_in);
        return false;
      });
      time.onZero(() => watcher.hurry());
      onReturn(() => watcher.hurry());
      all('[data-deny]').forEach(form => form.addEventListener('submit', () => noteDenial(here)));

      // A browser without passkeys must leave the sign-in to one that has them: the link to copy carries the code
      // of the moment, and the address bar keeps it.
      if (!code) return;
      link = () => {
        const url = new URL(entry, location.href);
        url.searchParams.set('user_code', code.textContent);
        if (linkKey) url.searchParams.set('k', linkKey);
        return url.href;
      };
      if (!hasPasskeys) return;
      post(scan, {}).then(
        // The code in the address rotates away; the opening stays good for a reload.
        () => history.replaceState(null, '', here),
        error => { if (error.location) go(error.location); },
      );
    },

    verifying() {
      const time = countdown();
      const watcher = watch(state => {
        if (state.state !== 'verifying') {
          go(main.dataset.here);
          return true;
        }
        all('[data-tries]').forEach(words => { words.hidden = words.dataset.tries !== String(state.tries_left); });
        warnOfSecond(state);
        time.set(state.expires_in);
        return false;
      });
      time.onZero(() => watcher.hurry());
      onReturn(() => watcher.hurry());
    },

    // Whoever claimed the sign-in is warned that it was opened here as well.
    elsewhere() {
      const {scan} = main.dataset;
      if (scan && hasPasskeys) post(scan, {}).catch(() => {});
    },

    approved() {
      const watcher = watch(({state}) => {
        if (state === 'approved') return false;
        go(main.dataset.here);
        return true;
      });
      onReturn(() => watcher.hurry());
    },

    returned() {
      const {here, outcome, return: back} = main.dataset;
      const goBack = async signal => leave((await post(back, {}, signal)).return);
      onPress('[data-back]', goBack);
      if (outcome === 'denied' && tookDenial(here)) run(one('[data-back]'), goBack);
      if (outcome !== 'approved') return;
      const watcher = watch(({state}) => {
        if (state === 'approved') return false;
        go(here);
        return true;
      });
      onReturn(() => watcher.hurry());
    },

    async join() {
      const {begin, finish: end, invitation: check} = main.dataset;
      const invitation = new URLSearchParams(location.hash.slice(1)).get('invite') || '';
      const plainLink = location.href;
      link = () => plainLink;
      // An invitation that is opened in a tab which shows this page already changes the fragment only.
      addEventListener('hashchange', () => { if (location.hash) location.reload(); });

      onSubmit('[data-create]', async signal => {
        const options = await post(begin, {name: one('[name=name]').value.trim(), for: main.dataset.for, invitation}, signal);
        const credential = await createPasskey(options, signal);
        finish(await post(end, {ceremony: options.ceremony, for: main.dataset.for, credential}));
      });

      if (!invitation) return;
      history.replaceState(null, '', location.pathname + location.search);
      try {
        const {name, existing} = await post(check, {invitation});
        show('[data-uninvited]', false);
        show('[data-invited]', true);
        show('[data-newcomer]', !existing);
        show('[data-existing]', existing);
        one('[data-account]').textContent = name || '';
        if (name) one('[name=name]').value = name;
      } catch (error) {
        explain(error);
      }
    },

    recover() {
      const {begin, finish: end} = main.dataset;
      let options = null;
      onSubmit('[data-ask]', async signal => {
        options = await post(begin, {recovery_code: one('[name=recovery_code]').value.trim(), for: main.dataset.for}, signal);
        one('[data-account]').textContent = options.publicKey.user.displayName || options.publicKey.user.name;
        show('[data-ask]', false);
        show('[data-create]', true);
        one('[data-create] button').focus();
      });
      onSubmit('[data-create]', async signal => {
        const credential = await createPasskey(options, signal);
        finish(await post(end, {ceremony: options.ceremony, for: main.dataset.for, credential}));
      });
    },

    signin() {
      onPress('[data-sign-in]', async signal => {
        const options = await post(main.dataset.begin, {}, signal);
        const credential = await usePasskey(options, signal);
        finish(await post(main.dataset.finish, {ceremony: options.ceremony, credential, next: main.dataset.next}));
      });
    },

    computers() {
      const lang = document.documentElement.lang;
      const relative = new Intl.RelativeTimeFormat(lang, {numeric: 'always'});
      const days = new Intl.DateTimeFormat(lang, {dateStyle: 'medium'});
      const full = new Intl.DateTimeFormat(lang, {dateStyle: 'long', timeStyle: 'short'});
      const say = (at, minutes) => {
        if (minutes < 1) return words.sayJustNow;
        if (minutes < 60) return relative.format(-Math.floor(minutes), 'minute');
        return minutes < 1440 ? relative.format(-Math.floor(minutes / 60), 'hour') : days.format(at);
      };
      all('time').forEach(time => {
        const at = new Date(time.dateTime);
        time.textContent = say(at, (Date.now() - at) / 60000);
        time.title = full.format(at);
      });
    },

    account() {
      onPress('[data-add-passkey]', async signal => {
        const options = await post(main.dataset.begin, {}, signal);
        const credential = await createPasskey(options, signal);
        finish(await post(main.dataset.finish, {ceremony: options.ceremony, credential}));
      });
      onPress('[data-renew-codes]', async signal => finish(await post(main.dataset.codesPath, {}, signal)));
      const days = new Intl.DateTimeFormat(document.documentElement.lang, {dateStyle: 'medium', timeZone: 'UTC'});
      all('time').forEach(time => { time.textContent = days.format(new Date(time.dateTime)); });
    },
  };

  // onReturn runs when the person comes back to a page that the phone had put to sleep.
  function onReturn(work) {
    document.addEventListener('visibilitychange', () => { if (!document.hidden) work(); });
  }

  // A page out of the browser's back cache may tell of a state that is long gone.
  window.addEventListener('pageshow', event => { if (event.persisted) location.reload(); });

  let link = () => location.href;
  all('[data-copy-link]').forEach(button => button.addEventListener('click', () => {
    const status = one('[data-copy-status]');
    copy(link(), (sentence, copied) => { status.textContent = copied ? sentence : `${sentence} ${link()}`; });
  }));

  show('[data-without-passkeys]', !hasPasskeys);
  if (hasPasskeys) lock(false);
  else show('[data-with-passkeys]', false);
  if (one('[data-with-codes]')) offerCodes();
  if (pages[main.dataset.page]) pages[main.dataset.page]();
})();
