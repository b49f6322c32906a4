/**
 * `--select` as LVM reads it.
 *
 *     any      all  { ("||" | "#") all }
 *     all      term { ("&&" | ",") term }
 *     term     "!" "(" any ")"  |  "(" any ")"  |  FIELD OPERATOR VALUE
 *
 * Blanks may stand between the parts, but not between `!` and its parenthesis.
 */
import { LvmExit } from "./lvm-exit.ts";
import { findColumn } from "./report-columns.ts";
import type { ReportField } from "./report-field.ts";
import { fieldHelpLines, operandHelpLines, selectionHelpLines } from "./selection-help.ts";
import type { Comparison, Selection } from "./selection-match.ts";
import { selectionTypeOf } from "./selection-types.ts";
import { readRegex, readValue, SelectionValueError } from "./selection-value.ts";

interface Operator {
  readonly comparison: Comparison;
  readonly onlyTime: boolean;
}

/** Of two that begin alike the longer comes first. */
const OPERATORS: readonly (readonly [string, Comparison])[] = [
  ["=~", "=~"],
  ["!~", "!~"],
  ["!=", "!="],
  [">=", ">="],
  ["<=", "<="],
  ["=", "="],
  [">", ">"],
  ["<", "<"],
  ["since", ">="],
  ["after", ">"],
  ["until", "<="],
  ["before", "<"],
];

/** Parentheses within each other that are followed. */
const DEPTH_MAX = 100;

/**
 * Throws `LvmExit` in LVM's words: 5 for what cannot be read, 0 with the help for `help`.
 */
export function parseSelection(tool: string, text: string): Selection {
  const word = text.trim();
  if (word === "help" || word === "?") throw exit(0, selectionHelpLines());
  if (word === "") return { kind: "everything" };
  const parser = new Parser(tool, text);
  const selection = parser.any(0);
  parser.requireEnd();
  return selection;
}

function exit(code: 0 | 5, lines: readonly string[]): LvmExit {
  return new LvmExit(
    code,
    lines.map((line) => `  ${line}`),
  );
}

class Parser {
  readonly #tool: string;
  readonly #text: string;
  #at = 0;

  constructor(tool: string, text: string) {
    this.#tool = tool;
    this.#text = text;
  }

  any(depth: number): Selection {
    const operands = [this.#all(depth)];
    while (this.#takes("||") || this.#takes("#")) operands.push(this.#all(depth));
    const [only] = operands;
    return only !== undefined && operands.length === 1 ? only : { kind: "any", operands };
  }

  requireEnd(): void {
    this.#skip();
    if (this.#at < this.#text.length) {
      throw exit(5, ["Expecting logical operator", ...this.#where(this.#at)]);
    }
  }

  #all(depth: number): Selection {
    const operands = [this.#term(depth)];
    while (this.#takes("&&") || this.#takes(",")) operands.push(this.#term(depth));
    const [only] = operands;
    return only !== undefined && operands.length === 1 ? only : { kind: "all", operands };
  }

  #term(depth: number): Selection {
    if (depth > DEPTH_MAX) throw exit(5, ["Too many parentheses within each other."]);
    const isNegated = this.#takes("!");
    if (isNegated && this.#text.charAt(this.#at) !== "(") throw this.#parenthesis("left");
    if (!this.#takes("(")) return this.#comparison();
    const operand = this.any(depth + 1);
    if (!this.#takes(")")) throw this.#parenthesis("right");
    return isNegated ? { kind: "not", operand } : operand;
  }

  #comparison(): Selection {
    this.#skip();
    const start = this.#at;
    const name = /^[\w-]+/.exec(this.#rest())?.[0];
    if (name === undefined) throw exit(5, ["Expecting field name", ...this.#where(start)]);
    this.#at += name.length;
    const field = findColumn(this.#tool, name.toLowerCase());
    if (field === undefined) {
      const sentence = `Unrecognised selection field: ${name}`;
      throw exit(5, [...fieldHelpLines(), " ", sentence, ...this.#where(start)]);
    }
    this.#skip();
    const operator = this.#operator(start);
    this.#requireFit(field, operator, start);
    this.#skip();
    const { comparison } = operator;
    try {
      const isRegex = comparison === "=~" || comparison === "!~";
      const read = isRegex
        ? readRegex(this.#text, this.#at, field)
        : readValue(this.#text, this.#at, field, selectionTypeOf(field));
      this.#at = read.end;
      return { kind: "comparison", field, comparison, value: read.value };
    } catch (error) {
      if (!(error instanceof SelectionValueError)) throw error;
      throw exit(5, error.isSyntax ? [...error.lines, ...this.#where(start)] : error.lines);
    }
  }

  #operator(start: number): Operator {
    const rest = this.#rest();
    const found = OPERATORS.find(([word]) => rest.startsWith(word));
    if (found === undefined) {
      const sentence = `Unrecognised comparison operator: ${rest}`;
      throw exit(5, [...operandHelpLines(), " ", sentence, ...this.#where(start)]);
    }
    const [word, comparison] = found;
    this.#at += word.length;
    return { comparison, onlyTime: /^[a-z]/.test(word) };
  }

  /** That the operator may be used with a column of this type. */
  #requireFit(field: ReportField, { comparison, onlyTime }: Operator, start: number): void {
    const type = selectionTypeOf(field);
    const clause = this.#text.slice(start);
    const refuse = (sentence: string) =>
      exit(5, [...operandHelpLines(), " ", `${sentence}: ${clause}`, ...this.#where(start)]);
    if (onlyTime && type !== "time") throw refuse("Operator can be used only with time fields");
    if (/^[<>]/.test(comparison) && (type === "string" || type === "string list")) {
      throw refuse("Operator can be used only with number, size, time or percent fields");
    }
    if (comparison.endsWith("~") && type !== "string") {
      throw exit(5, [
        `dm_report: incompatible comparison type for selection field ${field.name}`,
      ]);
    }
  }

  #takes(word: string): boolean {
    this.#skip();
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #skip(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at += 1;
  }

  #rest(): string {
    return this.#text.slice(this.#at);
  }

  #where(start: number): string[] {
    return [
      `Selection syntax error at '${this.#text.slice(start)}'.`,
      "Use 'help' for selection to get more help.",
    ];
  }

  #parenthesis(side: "left" | "right"): LvmExit {
    return exit(5, [`Syntax error: ${side} parenthesis expected at '${this.#rest()}'`]);
  }
}
