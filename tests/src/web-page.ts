/** The page in a real Chromium, driven as a person would: by names of buttons, links and fields. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const program = "/usr/bin/chromium";
/** Why the page is not driven here, or false. */
export const skipPage = existsSync(program) ? false : "no Chromium (apt-get install chromium)";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Machines that run tests are slow at times. */
const PATIENCE_MS = 60_000;

export const sizes = {
  desktop: { width: 1360, height: 900 },
  phone: { width: 390, height: 844 },
} as const;

export class WebPage {
  readonly #url: string;
  readonly #pictures: string;
  readonly failures: string[] = [];
  #browser: Browser | undefined;
  #context: BrowserContext | undefined;
  #page: Page | undefined;

  /** Pictures of the page are left in `pictures`. */
  constructor(url: string, pictures: string) {
    this.#url = url;
    this.#pictures = pictures;
    mkdirSync(pictures, { recursive: true });
  }

  get page(): Page {
    assert.ok(this.#page, "the page is open");
    return this.#page;
  }

  async open(): Promise<void> {
    this.#browser = await chromium.launch({
      executablePath: program, args: ["--no-sandbox", "--disable-dev-shm-usage"],
    });
    this.#context = await this.#browser.newContext({ viewport: sizes.desktop, colorScheme: "light" });
    this.#page = await this.#context.newPage();
    this.#page.setDefaultTimeout(PATIENCE_MS);
    this.#page.on("pageerror", (error) => this.failures.push(error.stack ?? error.message));
    await this.#page.goto(this.#url);
  }

  async close(): Promise<void> {
    await this.#browser?.close();
  }

  /** Said by the page itself, as one that has lost its daemon does: the focus, then Enter. */
  async signIn(token: string): Promise<void> {
    await this.page.getByLabel("Token").fill(token);
    await this.page.keyboard.press("Enter");
  }

  async go(hash: string): Promise<void> {
    await this.page.goto(`${this.#url}#/${hash}`);
  }

  async sees(text: string | RegExp): Promise<void> {
    // Words may stand in titles of pictures as well, which are never seen.
    await this.page.getByText(text).filter({ visible: true }).first().waitFor();
  }

  async press(name: string | RegExp): Promise<void> {
    await this.#click("button", name);
  }

  async follow(name: string | RegExp): Promise<void> {
    await this.#click("link", name);
  }

  async #click(role: "button" | "link", name: string | RegExp): Promise<void> {
    try {
      await this.page.getByRole(role, { name }).first().click();
    } catch (error) {
      await this.picture(`no-${role}-${String(name).replace(/[^a-z]+/gi, "-")}`);
      const text = await this.page.locator("body").innerText();
      throw new Error(`${(error as Error).message}\nThe page:\n${text}\n${this.failures.join("\n")}`, {
        cause: error,
      });
    }
  }

  /** In the dialog that is open: presses its button, and waits until it has done what it does. */
  async confirm(name: string): Promise<void> {
    const dialog = this.page.getByRole("dialog");
    const button = dialog.getByRole("button", { name, exact: true });
    await this.#enabled(button);
    await button.click();
    await dialog.waitFor({ state: "hidden" });
  }

  async #enabled(button: ReturnType<Page["locator"]>): Promise<void> {
    for (let looks = 0; looks < PATIENCE_MS / 100; looks += 1) {
      if (await button.isEnabled()) return;
      await this.page.waitForTimeout(100);
    }
    const text = await this.page.getByRole("dialog").innerText();
    assert.fail(`the dialog does not let go on:\n${text}`);
  }

  async dialogText(text: string | RegExp): Promise<void> {
    await this.page.getByRole("dialog").getByText(text).first().waitFor();
  }

  /** Pictures of both sizes and both themes; in each, nothing serious may keep anybody out. */
  async look(name: string): Promise<void> {
    for (const colorScheme of ["light", "dark"] as const) {
      await this.page.emulateMedia({ colorScheme });
      for (const [size, viewport] of Object.entries(sizes)) {
        await this.page.setViewportSize(viewport);
        await this.page.waitForTimeout(150);
        await this.picture(`${name}-${size}-${colorScheme}`, true);
        await this.#accessible(`${name}, ${size}, ${colorScheme}`);
        const isWide = await this.page.evaluate(
          "document.documentElement.scrollWidth > document.documentElement.clientWidth",
        );
        assert.equal(isWide, false, `${name} is wider than a ${size}`);
      }
    }
    await this.page.emulateMedia({ colorScheme: "light" });
    await this.page.setViewportSize(sizes.desktop);
  }

  async picture(name: string, fullPage = false): Promise<Buffer> {
    return await this.page.screenshot({ path: join(this.#pictures, `${name}.png`), fullPage });
  }

  async #accessible(where: string): Promise<void> {
    // The policy of the page lets no script in: what the debugger evaluates is none of the page's.
    await this.page.evaluate(axe);
    const found = (await this.page.evaluate("axe.run()")) as {
      violations: { id: string; impact: string; nodes: { html: string; failureSummary?: string }[] }[];
    };
    const serious = found.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    const text = serious.map(({ id, nodes }) =>
      `${id}: ${nodes.slice(0, 3).map((it) => `${it.html.slice(0, 160)} ${it.failureSummary ?? ""}`).join("\n  ")}`);
    assert.equal(serious.length, 0, `${where}:\n${text.join("\n")}`);
  }
}
