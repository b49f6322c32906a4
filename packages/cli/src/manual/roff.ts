/**
 * Help texts as the source of manual pages, in the macros of man(7).
 *
 *     lines at the margin              a paragraph, filled
 *     `--option  what it does`         an item; indented lines behind it go on with it
 *     `Example:`, and what is indented behind it, or any other indented line    as they are
 */

const LINE_LENGTH_MAX = 78;

/** One line of text: nothing in it is a request, and what a terminal shows is what is copied. */
export function escaped(text: string): string {
  const plain = text
    .replaceAll("\\", String.raw`\e`)
    .replaceAll("-", String.raw`\-`)
    .replaceAll("^", String.raw`\(ha`)
    .replaceAll("~", String.raw`\(ti`)
    .replaceAll(/[\u0080-\u{10FFFF}]/gu, (letter) =>
      `\\[u${letter.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`);
  return /^[.']/.test(plain) ? `\\&${plain}` : plain;
}

/** Words between backquotes in bold. */
function styled(text: string): string {
  return escaped(text).replaceAll(/`([^`]+)`/g, String.raw`\fB$1\fR`);
}

export function heading(title: string): string {
  return `.SH ${title.includes(" ") ? `"${title}"` : title}\n`;
}

export function subheading(title: string): string {
  return `.SS "${escaped(title).replaceAll('"', String.raw`\(dq`)}"\n`;
}

/** As it is, line by line. */
export function literal(lines: readonly string[]): string {
  return `.PP\n.EX\n${lines.map((line) => `${escaped(line)}\n`).join("")}.EE\n`;
}

export function paragraph(text: string): string {
  return `.PP\n${filled(text)}`;
}

export function item(tag: string, text: string): string {
  return `.TP\n\\fB${escaped(tag)}\\fR\n${filled(text)}`;
}

/** In lines that no editor has to break. */
function filled(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((it) => it !== "")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && styled(longer).length > LINE_LENGTH_MAX) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line].map((it) => `${styled(it)}\n`).join("");
}

type Block =
  | { readonly kind: "paragraph"; text: string }
  | { readonly kind: "item"; readonly tag: string; text: string }
  | { readonly kind: "literal"; readonly lines: string[] };

export function helpText(text: string): string {
  const blocks: Block[] = [];
  let isApart = true;
  for (const line of text.split("\n")) {
    if (line.trim() === "") {
      isApart = true;
      continue;
    }
    addLine(blocks, line, isApart);
    isApart = false;
  }
  return blocks.map((block) => {
    if (block.kind === "paragraph") return paragraph(block.text);
    if (block.kind === "item") return item(block.tag, block.text);
    return literal(block.lines);
  }).join("");
}

function addLine(blocks: Block[], line: string, isApart: boolean): void {
  const last = isApart ? undefined : blocks.at(-1);
  const example = /^(Examples?:)\s*(.*)$/.exec(line);
  if (example !== null) {
    blocks.push({ kind: "paragraph", text: "Example:" });
    blocks.push({ kind: "literal", lines: example[2] === "" ? [] : [example[2] ?? ""] });
    return;
  }
  const [, tag, told] = /^\s*(\S.*?) {2,}(\S.*)$/.exec(line) ?? [];
  if (last?.kind === "literal") last.lines.push(line.replace(/^ {2,4}/, ""));
  else if (tag !== undefined && told !== undefined) blocks.push({ kind: "item", tag, text: told });
  else if (/^\s/.test(line) && last?.kind === "item") last.text += ` ${line.trim()}`;
  else if (/^\s/.test(line)) blocks.push({ kind: "literal", lines: [line.trim()] });
  else if (last?.kind === "paragraph") last.text += ` ${line}`;
  else blocks.push({ kind: "paragraph", text: line });
}
