/** What `-S help` prints: the columns with their types, operands, reserved words, operators. */
import { FIELD_HELP } from "./field-help.ts";
import { columnByName } from "./report-columns.ts";
import { selectionTypeOf, UNDEFINED_WORDS, VALUE_WORDS, YES_WORDS } from "./selection-types.ts";

export function selectionHelpLines(): string[] {
  return [...fieldHelpLines(), " ", ...operandHelpLines(), " "];
}

export function fieldHelpLines(): string[] {
  const lines: string[] = [];
  for (const { title, fields } of FIELD_HELP) {
    if (lines.length > 0) lines.push(" ");
    lines.push(title, "-".repeat(title.length));
    for (const [name, text] of Object.entries(fields)) {
      const field = columnByName(name);
      const type = field === undefined ? "unselectable number" : selectionTypeOf(field);
      lines.push(`  ${name.padEnd(27)} - ${text} [${type}]`);
    }
    if (title !== "Special Fields") continue;
    for (const name of ["help", "?"]) {
      lines.push(`  ${name.padEnd(27)} - Show help. [unselectable number]`);
    }
  }
  return lines;
}

export function operandHelpLines(): string[] {
  return [...OPERANDS, " ", ...reservedLines(), " ", ...OPERATOR_LINES];
}

const OPERANDS: readonly string[] = [
  "Selection operands",
  "------------------",
  "  field               - Reporting field.",
  "  number              - Non-negative integer value.",
  "  size                - Floating point value with units, 'm' unit used by default if not specified.",
  "  percent             - Non-negative integer with or without % suffix.",
  "  string              - Characters quoted by ' or \" or unquoted.",
  "  string list         - Strings enclosed by [ ] or { } and elements delimited by either",
  '                        "all items must match" or "at least one item must match" operator.',
  "  regular expression  - Characters quoted by ' or \" or unquoted.",
];

/** LVM lists these without saying which column each belongs to. */
function reservedLines(): string[] {
  const undefinedWords = UNDEFINED_WORDS.join(", ");
  const lines = [
    "Reserved values",
    "---------------",
    `  ${undefinedWords.padEnd(31)} - Reserved value for undefined numeric value. [number]`,
  ];
  const add = (words: readonly string[], name: string) =>
    lines.push(`  ${words.filter((word) => word !== "").join(", ").padEnd(31)} - [${name}]`);
  for (const [name, words] of Object.entries(YES_WORDS)) add([...words, "yes"], name);
  add(["no"], "each of these");
  for (const [name, values] of Object.entries(VALUE_WORDS)) {
    for (const words of values) add(words, name);
  }
  add(["unmanaged"], "vg_mda_copies");
  add(["auto"], "lv_read_ahead");
  return lines;
}

const OPERATOR_LINES: readonly string[] = [
  "Selection operators",
  "-------------------",
  "  Comparison operators:",
  "        =~  - Matching regular expression. [regex]",
  "        !~  - Not matching regular expression. [regex]",
  "         =  - Equal to. [number, size, percent, string, string list, time]",
  "        !=  - Not equal to. [number, size, percent, string, string_list, time]",
  "        >=  - Greater than or equal to. [number, size, percent, time]",
  "         >  - Greater than. [number, size, percent, time]",
  "        <=  - Less than or equal to. [number, size, percent, time]",
  "         <  - Less than. [number, size, percent, time]",
  "     since  - Since specified time (same as '>='). [time]",
  "     after  - After specified time (same as '>'). [time]",
  "     until  - Until specified time (same as '<='). [time]",
  "    before  - Before specified time (same as '<'). [time]",
  " ",
  "  Logical and grouping operators:",
  "      &&  - All fields must match",
  "       ,  - All fields must match",
  "      ||  - At least one field must match",
  "       #  - At least one field must match",
  "       !  - Logical negation",
  "       (  - Left parenthesis",
  "       )  - Right parenthesis",
  "       [  - List start",
  "       ]  - List end",
  "       {  - List subset start",
  "       }  - List subset end",
];
