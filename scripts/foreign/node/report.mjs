// What was tried and how it went, one line each.

import assert from "node:assert/strict";

const stepWithin = 30_000;
const waitWithin = 20_000;

// Reported is a failure that was printed already.
class Reported extends Error {}

export class Report {
  passed = 0;
  failed = 0;

  heading(text) {
    console.log(`# ${text}`);
  }

  // step runs one action, prints how it went and returns what the action returned. After a failure nothing else makes
  // sense: it is thrown on.
  async step(what, action) {
    const began = Date.now();
    try {
      const result = await within(stepWithin, action());
      this.passed++;
      console.log(`ok      ${what} (${Date.now() - began} ms)`);
      return result;
    } catch (error) {
      this.failed++;
      console.log(`not ok  ${what}: ${explain(error)}`);
      throw new Reported(what, { cause: error });
    }
  }

  // fault counts and prints what failed outside of any step.
  fault(error) {
    if (error instanceof Reported) return;
    this.failed++;
    console.log(`not ok  ${explain(error)}`);
  }

  summary() {
    return `${this.passed} passed, ${this.failed} failed`;
  }
}

// within bounds a promise by milliseconds.
export async function within(milliseconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// until asks again and again until the answer is something, for less time than a step has.
export async function until(what, ask) {
  const end = Date.now() + waitWithin;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    assert.ok(Date.now() < end, `${what}: not within ${waitWithin} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// explain adds what the server said: the clients keep it in different places.
function explain(error) {
  const said = error.response?.data ?? error.error ?? error.cause;
  const details = said ? ` ${said instanceof Error ? said.message : JSON.stringify(said)}` : "";
  return `${error.stack ?? error}${details}`;
}
