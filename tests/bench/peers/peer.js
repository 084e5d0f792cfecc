// A TLS client or server of Node that does as its one argument, a JSON object, says.
"use strict";
const fs = require("fs");
const tls = require("tls");

const wish = JSON.parse(process.argv[2]);
const read = (path) => (path ? fs.readFileSync(path) : undefined);
const options = {
  host: wish.host,
  port: wish.port,
  cert: read(wish.cert),
  key: read(wish.key),
  ca: read(wish.ca),
  // One CRL an element: it reads only the first of a file.
  crl: wish.crl ? String(read(wish.crl)).match(/-----BEGIN[^]*?-----END X509 CRL-----/g) : undefined,
};
if (wish.version) options.minVersion = options.maxVersion = "TLSv" + wish.version;
if (wish.suite) options.ciphers = wish.suite;
if (wish.group) options.ecdhCurve = wish.group;
if (wish.alpn) options.ALPNProtocols = [wish.alpn];

if (wish.role === "server") {
  options.requestCert = options.rejectUnauthorized = Boolean(wish.ask);
  if (wish.strict) {
    options.SNICallback = (name, done) =>
      name === "gateway.example" ? done(null, null) : done(new Error("unknown name " + name));
  }
  const server = tls.createServer(options, (socket) => {
    socket.on("error", (error) => console.log("server:", error.message));
    socket.once("data", () => socket.end("HTTP/1.0 200 OK\r\n\r\nhello\n"));
  });
  server.on("tlsClientError", (error) => console.log("server:", error.message));
  server.listen(wish.port, wish.host);
} else {
  options.servername = wish.name;
  options.rejectUnauthorized = !wish.lax;
  const socket = tls.connect(options, () => socket.write("GET / HTTP/1.0\r\nHost: gateway.example\r\n\r\n"));
  if (wish.keys) socket.on("keylog", (line) => fs.appendFileSync(wish.keys, line));
  socket.setTimeout(5000, () => socket.destroy());
  socket.on("data", (data) => console.log(String(data)));
  socket.on("error", (error) => {
    console.log("client:", error.code, error.message);
    process.exitCode = 1;
  });
}
