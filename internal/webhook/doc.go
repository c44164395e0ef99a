// Package webhook delivers what package audit has put into the outbox to the
// operator's webhook, in the form of Standard Webhooks 1.0.
//
// It delivers at least once. A notice leaves the outbox only when it was answered
// with 2xx, or was given up. Who is to send it takes it for a minute first, so that of
// two nodes one sends it; but a server that ends between the sending and the noting of
// it, or whose clock is a minute ahead of another's, sends it again. Its webhook-id is
// the same then, by which the receiver knows it. Notices do not keep their order.
//
// A notice that is not taken is tried again, ever more seldom, for three days. Then it
// is given up: it is in the audit log that it was, and the event itself is there anyway.
package webhook
