// Preloaded (node -r) into what we did not write and what listens on all interfaces: here every
// listener is bound to 127.0.0.1, and to the port in $PORT where that is set.
const net = require("net");

const port = Number(process.env.PORT);
// The step of listen() that all its forms share. It is synchronous, so that a server still knows
// its address when listen() returns.
const bind = net.Server.prototype._listen2;
net.Server.prototype._listen2 = function (address, asked, type, ...rest) {
  return bind.call(this, "127.0.0.1", port || asked, 4, ...rest);
};
