// For `node --import`: TLS connections to Stripe's hosts go to the sandbox instead.
//
// Node's fetch and https ignore HTTPS_PROXY before Node 24, and the host is fixed in the code that
// is to be tested. Every connection of theirs passes through net.Socket.connect, so that is where
// its destination is changed; the name that TLS verifies stays Stripe's.

import net from "node:net";

const HOSTS = new Set(["api.stripe.com", "mpp.stripe.com", "js.stripe.com"]);
const door = process.env.MPP_SANDBOX_STRIPE_TLS;

if (door) {
  const at = door.lastIndexOf(":");
  const [host, port] = [door.slice(0, at), Number(door.slice(at + 1))];
  const connect = net.Socket.prototype.connect;

  net.Socket.prototype.connect = function (...args) {
    // Node's own callers pass the normalised form: one array of [options, callback].
    const options = Array.isArray(args[0]) ? args[0][0] : args[0];
    if (options !== null && typeof options === "object" && HOSTS.has(options.host)) {
      options.host = host;
      options.port = port;
    }
    return connect.apply(this, args);
  };
}
