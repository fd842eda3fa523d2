// HTTP for what the SDKs have no client for. Everything goes over Node's global agent, as what the SDKs send does.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import http from "node:http";
import net from "node:net";

const answerWithin = 10_000;

// request sends JSON or a form and returns {status, headers, text, body}; body is the parsed JSON, undefined where there is none.
export async function request(method, url, { token, json, form } = {}) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  let content;
  if (json !== undefined) {
    content = Buffer.from(JSON.stringify(json));
    headers["content-type"] = "application/json";
  } else if (form) {
    const encoded = new Response(form);
    content = Buffer.from(await encoded.arrayBuffer());
    headers["content-type"] = encoded.headers.get("content-type");
  }
  if (content) headers["content-length"] = content.length;
  return exchange(method, url, headers, content);
}

function exchange(method, url, headers, content) {
  return new Promise((resolve, reject) => {
    const sent = http.request(url, { method, headers, timeout: answerWithin }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => resolve(understood(response, Buffer.concat(parts).toString())));
    });
    sent.on("timeout", () => sent.destroy(new Error(`${method} ${url}: no answer within ${answerWithin} ms`)));
    sent.on("error", reject);
    sent.end(content);
  });
}

function understood(response, text) {
  const isJSON = /^application\/json/.test(response.headers["content-type"] ?? "");
  return { status: response.statusCode, headers: response.headers, text, body: isJSON ? JSON.parse(text) : undefined };
}

// expect is request for an answer that must have a status.
export async function expect(status, method, url, options) {
  const answer = await request(method, url, options);
  assert.equal(answer.status, status, `${method} ${url} answered ${answer.status} ${answer.text}`);
  return answer.body;
}

// routeDefaultPort leads what is meant for http://localhost to another port, as a proxy before the server would, and
// returns a function that ends that.
export function routeDefaultPort(port) {
  http.globalAgent.createConnection = (options, connected) =>
    net.createConnection(options.host === "localhost" && Number(options.port) === 80 ? { ...options, port } : options, connected);
  return () => {
    delete http.globalAgent.createConnection;
    http.globalAgent.destroy();
  };
}

// serve answers requests on a free port of the loopback interface. answer gets (request, body) and returns {status, text}.
export async function serve(answer) {
  const server = http.createServer(async (incoming, outgoing) => {
    const parts = [];
    for await (const part of incoming) parts.push(part);
    const { status, text = "", headers = {} } = answer(incoming, Buffer.concat(parts));
    outgoing.writeHead(status, headers).end(text);
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${server.address().port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

// freePort is a port that nobody listens on, below those that the system gives to outgoing connections.
export async function freePort() {
  for (let tries = 0; tries < 50; tries++) {
    const port = randomInt(10_000, 20_000);
    if (await canListen(port)) return port;
  }
  throw new Error("no free port");
}

function canListen(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

// canConnect tells whether somebody listens on a port of the loopback interface.
export function canConnect(port) {
  return new Promise((resolve) => {
    const connection = net.connect(port, "127.0.0.1");
    connection.once("error", () => resolve(false));
    connection.once("connect", () => connection.end(() => resolve(true)));
  });
}
