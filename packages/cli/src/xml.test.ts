import assert from "node:assert/strict";
import { test } from "node:test";
import { element, mixedElement, xmlDocument } from "./xml.ts";

const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

test("an element without content is closed at once, and lists are indented by two blanks", () => {
  const document = xmlDocument(element("a", [element("b"), element("c", [element("d", 1)])]));
  assert.equal(document, `${head}<a>\n  <b/>\n  <c>\n    <d>1</d>\n  </c>\n</a>\n`);
});

test("text with elements behind it stays on one line", () => {
  const brick = mixedElement("brick", { uuid: "u" }, "h:/p", [element("name", "h:/p")]);
  assert.equal(
    xmlDocument(element("bricks", [brick])),
    `${head}<bricks>\n  <brick uuid="u">h:/p<name>h:/p</name></brick>\n</bricks>\n`,
  );
});

test("whatever a user typed is escaped, and what XML forbids is replaced", () => {
  assert.equal(
    xmlDocument(element("v", 'a<b>&"c"\u0001\r')),
    `${head}<v>a&lt;b&gt;&amp;&quot;c&quot;\uFFFD&#13;</v>\n`,
  );
});
