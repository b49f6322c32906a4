/**
 * LVM's text grammar: `key = value`, `name { … }`, integers, floats, "strings" with \" and \\,
 * arrays in brackets, `#` comments to the end of the line.
 *
 * The text comes from a disk: its length and depth are bounded, duplicate keys are refused (a lost
 * duplicate would be a lost volume), and every error names its line.
 */

import type { ConfigEntry, ConfigSection, ConfigValue } from "./config-tree.ts";
import { Lvm2Error } from "./errors.ts";

const LENGTH_MAX = 64 * 1_048_576;
const DEPTH_MAX = 16;
const KEY = /[^\s#={}[\],"']+/y;
const SPACE = /(?:[ \t\r]+|#[^\n]*)*/y;
const NUMBER = /[+-]?(?:\d+(\.\d*)?|(\.\d+))/y;

/** The entries at the top, as the section with an empty key. */
export function parseConfig(text: string, device?: string): ConfigSection {
  if (text.length > LENGTH_MAX) {
    throw new Lvm2Error("bad-text", `Metadata text of ${text.length} characters is too long.`);
  }
  return new Parser(text, device).parse();
}

class Parser {
  readonly #text: string;
  readonly #device: string | undefined;
  #at = 0;
  #line = 1;

  constructor(text: string, device: string | undefined) {
    this.#text = text;
    this.#device = device;
  }

  parse(): ConfigSection {
    return { key: "", line: 1, entries: this.#entries(0) };
  }

  #fail(problem: string): never {
    const where = this.#device === undefined ? "" : `${this.#device}: `;
    throw new Lvm2Error("bad-text", `${where}Parse error at line ${this.#line}: ${problem}`, {
      line: this.#line,
      ...(this.#device === undefined ? {} : { device: this.#device }),
    });
  }

  /** Past blanks, comments and line ends. */
  #skip(): void {
    for (;;) {
      SPACE.lastIndex = this.#at;
      SPACE.exec(this.#text);
      this.#at = SPACE.lastIndex;
      if (this.#text[this.#at] !== "\n") return;
      this.#at++;
      this.#line++;
    }
  }

  #peek(): string | undefined {
    this.#skip();
    return this.#text[this.#at];
  }

  #expect(character: string): void {
    if (this.#peek() !== character) this.#fail(`expected "${character}"`);
    this.#at++;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text) ?? undefined;
    if (found) this.#at = pattern.lastIndex;
    return found;
  }

  #entries(depth: number): ConfigEntry[] {
    if (depth > DEPTH_MAX) this.#fail(`sections nested deeper than ${DEPTH_MAX}`);
    const entries: ConfigEntry[] = [];
    const seen = new Set<string>();
    for (;;) {
      const next = this.#peek();
      if (next === undefined || next === "}") {
        if ((next === undefined) !== (depth === 0)) {
          this.#fail(next === undefined ? "text ends inside a section" : 'unexpected "}"');
        }
        return entries;
      }
      const line = this.#line;
      const key = this.#match(KEY)?.[0] ?? this.#fail(`unexpected ${JSON.stringify(next)}`);
      if (seen.has(key)) this.#fail(`"${key}" appears twice`);
      seen.add(key);
      const separator = this.#peek();
      if (separator === "{") {
        this.#at++;
        entries.push({ key, line, entries: this.#entries(depth + 1) });
        this.#expect("}");
      } else {
        this.#expect("=");
        entries.push({ key, line, value: this.#value(0) });
      }
    }
  }

  #value(depth: number): ConfigValue {
    const next = this.#peek();
    if (next === "[") return this.#array(depth);
    if (next === '"') return this.#string();
    const number = this.#match(NUMBER);
    if (!number) this.#fail("expected a value");
    const isFloat = number[1] !== undefined || number[2] !== undefined;
    return { kind: isFloat ? "float" : "integer", text: number[0] };
  }

  #string(): ConfigValue {
    const start = this.#at + 1;
    let end = start;
    while (this.#text[end] !== '"') {
      if (end >= this.#text.length) this.#fail("string has no end");
      if (this.#text[end] === "\n") this.#line++;
      end += this.#text[end] === "\\" ? 2 : 1;
    }
    this.#at = end + 1;
    return { kind: "string", text: this.#text.slice(start, end).replaceAll(/\\(.)/gs, "$1") };
  }

  #array(depth: number): ConfigValue {
    if (depth > DEPTH_MAX) this.#fail(`arrays nested deeper than ${DEPTH_MAX}`);
    this.#expect("[");
    const items: ConfigValue[] = [];
    while (this.#peek() !== "]") {
      items.push(this.#value(depth + 1));
      const next = this.#peek();
      if (next === ",") this.#at++;
      else if (next !== "]") this.#fail('expected "," or "]"');
    }
    this.#at++;
    return { kind: "array", items };
  }
}
