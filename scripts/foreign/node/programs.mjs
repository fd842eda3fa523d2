// The anchor's processes: each is started, awaited and ended by its own id.

import { spawn } from "node:child_process";
import { createWriteStream, existsSync, readFileSync } from "node:fs";
import path from "node:path";

const commandWithin = 30_000;
const stopWithin = 20_000;

export class Programs {
  #running = [];

  constructor(binary, dir, env) {
    this.binary = binary;
    this.dir = dir;
    this.env = env;
    // Children that outlive this process would be nobody's.
    this.#onExit = () => this.#running.forEach((child) => child.kill("SIGKILL"));
    process.on("exit", this.#onExit);
  }

  #onExit;

  // run runs a command to its end and returns what it printed.
  run(args, env = {}) {
    const child = spawn(this.binary, args, { cwd: this.dir, env: { ...this.env, ...env }, stdio: ["ignore", "pipe", "pipe"], timeout: commandWithin });
    let output = "";
    child.stdout.on("data", (text) => (output += text));
    child.stderr.on("data", (text) => (output += text));
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) =>
        code === 0 ? resolve(output) : reject(new Error(`anchor ${args.join(" ")}: exit ${code ?? signal}\n${output}`)),
      );
    });
  }

  // start starts a process that goes on; what it prints goes to NAME.log. Returns a function that throws if the process has
  // ended already.
  start(name, args) {
    const child = spawn(this.binary, args, { cwd: this.dir, env: this.env, stdio: ["ignore", "pipe", "pipe"] });
    const log = createWriteStream(path.join(this.dir, `${name}.log`));
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.ended = new Promise((resolve) => child.on("close", (code, signal) => log.end(() => resolve({ name, code, signal }))));
    child.on("error", (error) => log.write(String(error)));
    this.#running.push(child);
    return () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${name} ended by itself`);
    };
  }

  // stop ends all that were started, the last one first, and returns a complaint for each that did not end well.
  async stop() {
    const complaints = [];
    for (const child of this.#running.reverse()) {
      const late = setTimeout(() => child.kill("SIGKILL"), stopWithin);
      child.kill("SIGTERM");
      const { name, code, signal } = await child.ended;
      clearTimeout(late);
      if (code !== 0) complaints.push(`${name} ended with ${code ?? signal}`);
    }
    this.#running = [];
    process.off("exit", this.#onExit);
    return complaints;
  }

  // log is what a process printed so far.
  log(name) {
    const file = path.join(this.dir, `${name}.log`);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }
}
