/** One line a check, and the sum at the end. */
export class Report {
  passed = 0;
  failed = 0;
  #write;
  #scenario = "";

  /** @param {(line: string) => void} write */
  constructor(write) {
    this.#write = write;
  }

  /** @param {string} title */
  scenario(title) {
    this.#scenario = title;
    this.#write(`# ${title}`);
  }

  /** @param {string} line */
  note(line) {
    this.#write(`  ${line}`);
  }

  /**
   * @param {string} property that holds, or does not
   * @param {boolean} holds @param {string} [found] told when it does not
   */
  check(property, holds, found = "") {
    if (holds) this.passed += 1;
    else this.failed += 1;
    const line = `${holds ? "ok" : "FAILED"} ${this.#scenario}: ${property}`;
    this.#write(holds || found === "" ? line : `${line}\n${indent(found)}`);
    return holds;
  }

  /** @param {string} property @param {unknown} found @param {unknown} expected */
  equal(property, found, expected) {
    const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
    return this.check(property, left === right, `found    ${left}\nexpected ${right}`);
  }

  summary() {
    return `${this.passed} passed, ${this.failed} failed`;
  }
}

/** @param {string} text */
function indent(text) {
  return text
    .trimEnd()
    .split("\n")
    .slice(0, 40)
    .map((line) => `    ${line}`)
    .join("\n");
}
