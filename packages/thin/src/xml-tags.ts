/**
 * Reads tags from XML that comes in pieces, as far as thin_dump's XML goes: elements and attributes.
 * Declarations and comments are skipped; text, entities and anything else are refused.
 *
 * Memory is bounded whatever comes: a tag has 4096 characters at most, and only what has not been
 * read of the last piece is kept.
 */
import { ThinError } from "./thin-error.ts";

export interface XmlTag {
  readonly kind: "open" | "close" | "empty";
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly line: number;
}

/** The next piece of text; undefined at the end. */
export type ReadText = () => string | undefined;

const TAG_LENGTH_MAX = 4096;
const ATTRIBUTES_MAX = 16;
const NEW_LINE = 10;
const tagPattern =
  /<(\/?)([A-Za-z_][A-Za-z_0-9]{0,63})((?:\s+[A-Za-z_]+="[^"<&]*"|\s+[A-Za-z_]+='[^'<&]*')*)\s*(\/?)>/y;
const attributePattern = /([A-Za-z_]+)=(?:"([^"]*)"|'([^']*)')/g;

export class XmlTags {
  line = 1;
  readonly #read: ReadText;
  #text = "";
  #at = 0;
  #ended = false;

  constructor(read: ReadText) {
    this.#read = read;
  }

  /** Undefined at the end of the text. Throws "invalid-argument", naming the line. */
  next(): XmlTag | undefined {
    for (;;) {
      if (!this.#skipSpace()) return undefined;
      this.#need(TAG_LENGTH_MAX);
      if (this.#text.startsWith("<?", this.#at)) this.#skipTo("?>");
      else if (this.#text.startsWith("<!--", this.#at)) this.#skipTo("-->");
      else return this.#tag();
    }
  }

  /** Always throws. */
  reject(what: string): never {
    throw new ThinError("invalid-argument", `line ${this.line} of the XML: ${what}`);
  }

  #tag(): XmlTag {
    tagPattern.lastIndex = this.#at;
    const match = tagPattern.exec(this.#text);
    if (!match || match[0].length > TAG_LENGTH_MAX) {
      const shown = JSON.stringify(this.#text.slice(this.#at, this.#at + 40));
      return this.reject(`${shown} is not a tag that is understood here`);
    }
    const [whole, slash, name, written, end] = match;
    const { line } = this;
    this.#pass(this.#at + whole.length);
    if (slash === "/" && (written !== "" || end === "/")) this.reject("a closing tag says too much");
    const kind = slash === "/" ? "close" : end === "/" ? "empty" : "open";
    return { kind, name: name!, attributes: this.#attributes(written!), line };
  }

  #attributes(written: string): Map<string, string> {
    const attributes = new Map<string, string>();
    for (const [, name, quoted, apostrophed] of written.matchAll(attributePattern)) {
      if (attributes.has(name!)) this.reject(`attribute ${name} is there twice`);
      if (attributes.size === ATTRIBUTES_MAX) this.reject("too many attributes");
      attributes.set(name!, quoted ?? apostrophed ?? "");
    }
    return attributes;
  }

  /** Go to the next character that is no white space; false at the end. */
  #skipSpace(): boolean {
    for (;;) {
      for (; this.#at < this.#text.length; this.#at++) {
        const code = this.#text.charCodeAt(this.#at);
        if (code === NEW_LINE) this.line += 1;
        else if (code !== 32 && code !== 9 && code !== 13) return true;
      }
      if (!this.#more()) return false;
    }
  }

  #skipTo(end: string): void {
    for (;;) {
      const found = this.#text.indexOf(end, this.#at);
      if (found >= 0) return this.#pass(found + end.length);
      // The end may be cut in two by the end of the piece.
      this.#pass(Math.max(this.#at, this.#text.length - end.length + 1));
      if (!this.#more()) this.reject(`the text ends before ${end}`);
    }
  }

  #need(length: number): void {
    while (this.#text.length - this.#at < length && this.#more());
  }

  #pass(to: number): void {
    for (let at = this.#at; at < to; at++) if (this.#text.charCodeAt(at) === NEW_LINE) this.line += 1;
    this.#at = to;
  }

  /** One more piece, which may be empty; false at the end. */
  #more(): boolean {
    if (this.#ended) return false;
    const piece = this.#read();
    if (piece === undefined) {
      this.#ended = true;
      return false;
    }
    this.#text = this.#text.slice(this.#at) + piece;
    this.#at = 0;
    return true;
  }
}
