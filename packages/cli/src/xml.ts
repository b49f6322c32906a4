/**
 * XML as libxml2's text writer indents it: two blanks a level, an element without content closed
 * at once, an element that holds text and elements together on one line.
 */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: readonly XmlElement[];
}

export type XmlContent = string | number | readonly XmlElement[];

export function element(name: string, content: XmlContent = ""): XmlElement {
  if (typeof content === "object") return { name, attributes: {}, text: "", children: content };
  return { name, attributes: {}, text: String(content), children: [] };
}

/** An element with text first and elements after it, in one line. */
export function mixedElement(
  name: string,
  attributes: Readonly<Record<string, string>>,
  text: string,
  children: readonly XmlElement[],
): XmlElement {
  return { name, attributes, text, children };
}

/** The whole document, with its declaration and a final line end. */
export function xmlDocument(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n${indented(root, "")}`;
}

function indented(it: XmlElement, indent: string): string {
  if (it.children.length === 0 || it.text !== "") return `${indent}${inline(it)}\n`;
  const inside = it.children.map((child) => indented(child, `${indent}  `)).join("");
  return `${indent}<${opening(it)}>\n${inside}${indent}</${it.name}>\n`;
}

function inline(it: XmlElement): string {
  const inside = escaped(it.text) + it.children.map(inline).join("");
  return inside === "" ? `<${opening(it)}/>` : `<${opening(it)}>${inside}</${it.name}>`;
}

function opening(it: XmlElement): string {
  const attributes = Object.entries(it.attributes);
  return it.name + attributes.map(([key, value]) => ` ${key}="${escaped(value)}"`).join("");
}

/** Characters that XML 1.0 cannot carry are replaced, so that the document stays readable. */
function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\r", "&#13;")
    .replaceAll(unprintable, "\uFFFD");
}

// oxlint-disable-next-line no-control-regex -- these are the characters that XML forbids
const unprintable = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g;
