/** The right side of a comparison of `--select`: read from the text by the type of the column. */
import type { ReportField } from "./report-field.ts";
import { parseTime, type TimeRange } from "./selection-time.ts";
import {
  UNDEFINED_WORDS,
  VALUE_WORDS,
  YES_WORDS,
  type SelectionType,
} from "./selection-types.ts";

export type SelectionValue =
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "regex"; readonly regex: RegExp }
  /** Undefined: what is not known. Sizes are in sectors. */
  | { readonly kind: "number"; readonly number: number | undefined }
  /** A word for a number that is no number, such as `auto`. */
  | { readonly kind: "word"; readonly text: string }
  | { readonly kind: "time"; readonly range: TimeRange }
  | ListValue;

interface ListValue {
  readonly kind: "list";
  readonly items: readonly string[];
  /** All of them and no other; at least all of them; at least one of them. */
  readonly mode: "exactly" | "all" | "any";
}

/** A wrong value. `lines` are LVM's; `isSyntax` when LVM adds where the clause stands. */
export class SelectionValueError extends Error {
  override readonly name = "SelectionValueError";
  readonly lines: readonly string[];
  readonly isSyntax: boolean;
  constructor(lines: readonly string[], isSyntax = true) {
    super(lines.join("\n"));
    this.lines = lines;
    this.isSyntax = isSyntax;
  }
}

export interface ReadValue {
  readonly value: SelectionValue;
  /** Where the text goes on behind it. */
  readonly end: number;
}

interface Token {
  readonly text: string;
  readonly end: number;
}

/** Read the value at `start`, where blanks were passed over already. */
export function readValue(
  text: string,
  start: number,
  field: ReportField,
  type: SelectionType,
): ReadValue {
  switch (type) {
    case "string": {
      const token = readString(text, start);
      if (token === undefined) throw missingQuote("string", field);
      return { value: { kind: "string", text: canonicalWord(field, token.text) }, end: token.end };
    }
    case "string list":
      return readList(text, start, field);
    case "time":
      return readTime(text, start, field);
    default:
      return readNumber(text, start, field, type);
  }
}

function missingQuote(what: string, field: ReportField): SelectionValueError {
  return new SelectionValueError(["Missing end quote.", unparsed(what, field)]);
}

function unparsed(what: string, field: ReportField): string {
  return `Failed to parse ${what} value for selection field ${field.name}.`;
}

function canonicalWord(field: ReportField, text: string): string {
  const known = Object.hasOwn(VALUE_WORDS, field.name) ? VALUE_WORDS[field.name] : undefined;
  return known?.find((words) => words.includes(text))?.[0] ?? text;
}

/**
 * Quoted, or up to a blank, a logical operator, a `)` or one of `stops`. Undefined when the quote
 * does not end.
 */
function readString(text: string, start: number, stops = ""): Token | undefined {
  const quote = text.charAt(start);
  if (quote === '"' || quote === "'") {
    const end = text.indexOf(quote, start + 1);
    return end < 0 ? undefined : { text: text.slice(start + 1, end), end: end + 1 };
  }
  let end = start;
  while (end < text.length && !isEndOfWord(text, end, stops)) end += 1;
  return { text: text.slice(start, end), end };
}

function isEndOfWord(text: string, index: number, stops: string): boolean {
  const letter = text.charAt(index);
  if (/[\s,#)]/.test(letter) || stops.includes(letter)) return true;
  return (letter === "&" || letter === "|") && text.charAt(index + 1) === letter;
}

function readTime(text: string, start: number, field: ReportField): ReadValue {
  const token = readString(text, start);
  const range = token && parseTime(token.text, Date.now());
  if (token === undefined || range === undefined) {
    throw new SelectionValueError([unparsed("time", field)]);
  }
  return { value: { kind: "time", range }, end: token.end };
}

const UNITS: Readonly<Record<string, number>> = { b: 1 / 512, s: 1, k: 2, m: 2048 };

/** Sectors in a unit of `--units`: capitals are powers of 1000. */
function sectorsIn(unit: string): number {
  const lower = unit.toLowerCase();
  const power = "kmgtpe".indexOf(lower) + 1;
  if (power === 0) return UNITS[lower] ?? 1;
  return (unit === lower ? 1024 : 1000) ** power / 512;
}

function readNumber(
  text: string,
  start: number,
  field: ReportField,
  type: "number" | "size" | "percent",
): ReadValue {
  const word = readString(text, start);
  if (word !== undefined && word.text !== "") {
    const value = numberOfWord(field, type, word.text);
    if (value !== undefined) return { value, end: word.end };
  }
  const match = /^(\d+\.?\d*|\.\d+)([bskmgtpe%])?/i.exec(text.slice(start));
  if (match === null) throw new SelectionValueError([unparsed("numeric", field)]);
  const [whole, digits = "", unit] = match;
  const wrongUnit = complaintOfUnit(unit, type);
  if (wrongUnit !== undefined) {
    throw new SelectionValueError([`${wrongUnit} expected for selection field ${field.name}.`]);
  }
  const end = start + whole.length;
  if (type === "size") {
    return { value: { kind: "number", number: Number(digits) * sectorsIn(unit ?? "m") }, end };
  }
  if (type === "number") {
    return { value: { kind: "number", number: Math.trunc(Number(digits)) }, end };
  }
  if (Number(digits) > 100) {
    throw new SelectionValueError(
      [`Field selection value ${digits} out of supported range for field ${field.name}.`],
      false,
    );
  }
  return { value: { kind: "number", number: Number(digits) }, end };
}

function complaintOfUnit(unit: string | undefined, type: "number" | "size" | "percent") {
  if (unit === undefined) return undefined;
  if (unit === "%") {
    if (type === "percent") return undefined;
    return `Found percent value but ${type === "size" ? "size" : "numeric"} value`;
  }
  if (type === "size") return undefined;
  return `Found size unit specifier but ${type === "number" ? "numeric" : "percent"} value`;
}

function numberOfWord(
  field: ReportField,
  type: "number" | "size" | "percent",
  word: string,
): SelectionValue | undefined {
  if (field.name === "lv_read_ahead" && word === "auto") return { kind: "word", text: word };
  if (type !== "number") return undefined;
  if (UNDEFINED_WORDS.includes(word)) return { kind: "number", number: undefined };
  if (field.name === "vg_mda_copies" && word === "unmanaged") {
    return { kind: "number", number: undefined };
  }
  const yes = Object.hasOwn(YES_WORDS, field.name) ? YES_WORDS[field.name] : undefined;
  if (yes === undefined) return undefined;
  if (word === "no") return { kind: "number", number: 0 };
  return word === "yes" || yes.includes(word) ? { kind: "number", number: 1 } : undefined;
}

/** `[a,b]`, `{a,b}`, `{a||b}`; one item may stand alone. */
function readList(text: string, start: number, field: ReportField): ReadValue {
  const open = text.charAt(start);
  const close = { "[": "]", "{": "}" }[open];
  const fail = (...lines: string[]): never => {
    throw new SelectionValueError([...lines, unparsed("string list", field)]);
  };
  if (close === undefined) {
    const token = readString(text, start) ?? fail("Missing end quote.");
    const items = token.text === "" ? [] : [token.text];
    const mode = items.length === 0 ? "exactly" : "all";
    return { value: { kind: "list", items, mode }, end: token.end };
  }
  const items: string[] = [];
  let operator: "all" | "any" | undefined;
  let at = start + 1;
  const skip = () => {
    while (/\s/.test(text.charAt(at))) at += 1;
  };
  for (;;) {
    skip();
    const token = readString(text, at, "]}") ?? fail("Missing end quote.");
    items.push(token.text);
    at = token.end;
    skip();
    const letter = text.charAt(at);
    if (letter === close) break;
    if (letter === "]" || letter === "}") {
      fail(`List ended with incorrect character, expecting '${close}'.`);
    }
    const found = /^(?:&&|,|\|\||#)/.exec(text.slice(at))?.[0];
    if (found === undefined) return fail("Invalid operator in selection list.");
    const meaning = found === "," || found === "&&" ? "all" : "any";
    if (operator !== undefined && operator !== meaning) {
      fail("Only one type of logical operator allowed in selection list at a time.");
    }
    operator = meaning;
    at += found.length;
  }
  if (items.length === 1 && items[0] === "") items.pop();
  const isExact = items.length === 0 || (open === "[" && operator !== "any");
  const mode = isExact ? "exactly" : (operator ?? "all");
  return { value: { kind: "list", items, mode }, end: at + 1 };
}

/** A regular expression: quoted, in one pair of brackets of any kind, or up to the end of a word. */
export function readRegex(text: string, start: number, field: ReportField): ReadValue {
  const first = text.charAt(start);
  const close = { "(": ")", "[": "]", "{": "}" }[first];
  let token: Token | undefined;
  if (close === undefined) token = readString(text, start);
  else {
    const end = text.indexOf(close, start + 1);
    token = end < 0 ? undefined : { text: text.slice(start + 1, end), end: end + 1 };
  }
  if (token === undefined) throw missingQuote("regex", field);
  if (token.text === "" && token.end === start) {
    throw new SelectionValueError([
      `Regular expression expected for selection field ${field.name}`,
    ]);
  }
  try {
    return { value: { kind: "regex", regex: toRegExp(token.text) }, end: token.end };
  } catch {
    throw new SelectionValueError(
      [
        "Parse error in regex",
        "Couldn't parse regex",
        `dm_report: failed to create regex matcher for selection field ${field.name}`,
      ],
      false,
    );
  }
}

/** LVM's expressions know `. * + ? | ( ) [ ] ^ $` and a backslash; braces are plain letters. */
function toRegExp(pattern: string): RegExp {
  if (pattern === "" || pattern.includes("(?")) throw new SyntaxError(pattern);
  return new RegExp(pattern.replaceAll(/\\.|[{}]/gs, escapeLetter), "s");
}

function escapeLetter(found: string): string {
  if (found === "{" || found === "}") return `\\${found}`;
  const letter = found.charAt(1);
  if ("nrt".includes(letter)) return found;
  return /[A-Za-z0-9]/.test(letter) ? letter : `\\${letter}`;
}
