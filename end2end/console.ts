// What every test has: the three clouds, a person who has signed in, and an ear for complaints.
//
//   import { expect, test } from "./console";
//   test.use({ role: "auditor" });
//   test("…", async ({ page, open }) => { await open("/ledger"); });
import { AxeBuilder } from "@axe-core/playwright";
import { type BrowserContextOptions, expect, type Page, test as base } from "@playwright/test";
import { type Clouds, clouds } from "./demonstration";

export { expect } from "@playwright/test";

export type Role = "controller" | "auditor" | "admin";
/** The demonstration's own; its sign-in page shows it to everybody. */
export const PASSWORD = "three clouds agree";
export const email = (role: Role) => `${role}@ternion.example`;

/** Every page of the menu, and what stands under it. */
export const PAGES = ["/", "/ledger", "/ledger/quarantine", "/ledger/evidence", "/ledger/keys", "/anchors", "/billing", "/scenarios", "/fabric", "/optimizer", "/optimizer/tenants", "/optimizer/tiers", "/optimizer/policy", "/approvals", "/verify", "/lab"];

type StorageState = BrowserContextOptions["storageState"];

type EachTest = {
  /** Who has signed in; `null`: nobody. */
  role: Role | null;
  /** Opens a page of gcp's console and waits until the browser has taken it over. */
  open: (path: string) => Promise<void>;
  /** The address of an event that all three clouds have signed for. */
  replicated: string;
  /** Checks the page as it stands against WCAG 2.2 AA. */
  expectAccessible: () => Promise<void>;
  /** Says which complaint of the browser the test is about: all others fail it. */
  expectComplaint: (pattern: RegExp) => void;
};

type EachWorker = {
  clouds: Clouds;
  /** Signed in once a role: checking a password costs as much as it is meant to. */
  sessionOf: (role: Role) => Promise<StorageState>;
};

export const test = base.extend<EachTest, EachWorker>({
  clouds: [async ({}, use) => use(clouds()), { scope: "worker" }],
  sessionOf: [
    async ({ playwright, clouds }, use) => {
      const known = new Map<Role, StorageState>();
      await use(async (role) => {
        const before = known.get(role);
        if (before) return before;
        // A stranger: whoever signs in with another's session ends it.
        const nobody = { cookies: [], origins: [] };
        const visitor = await playwright.request.newContext({ baseURL: clouds.gcp, storageState: nobody });
        const form = { email: email(role), password: PASSWORD, next: "/verify" };
        const answer = await visitor.post("/sign-in", { form, maxRedirects: 0 });
        expect(answer.headers()["location"], "signing in leads on").toBe("/verify");
        const state = await visitor.storageState();
        await visitor.dispose();
        known.set(role, state);
        return state;
      });
    },
    { scope: "worker" },
  ],
  role: ["admin", { option: true }],
  baseURL: async ({ clouds }, use) => use(clouds.gcp),
  storageState: async ({ role, sessionOf }, use) => use(role ? await sessionOf(role) : undefined),
  open: async ({ page }, use) => {
    await use(async (path) => {
      await page.goto(path);
      await alive(page);
    });
  },
  replicated: async ({ page }, use) => {
    await use(await findReplicated(page));
  },
  expectAccessible: async ({ page }, use) => {
    await use(async () => {
      // What is still coming into sight has the contrast of its way there.
      await page.evaluate(() => {
        const ends = document.getAnimations().filter((one) => one.effect?.getComputedTiming().endTime !== Infinity);
        ends.forEach((one) => one.finish());
      });
      const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
      const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
      const findings = violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${help}\n  ${target.join(" ")}\n  ${failureSummary}`),
      );
      expect(findings).toEqual([]);
    });
  },
  // Errors on the console, exceptions and refusals by the content security policy fail every test.
  expectComplaint: [
    async ({ page }, use) => {
      const heard: string[] = [];
      const expected: RegExp[] = [];
      page.on("console", (message) => {
        if (message.type() === "error") heard.push(`${message.text()} (${message.location().url})`);
      });
      page.on("pageerror", (error) => heard.push(`${error}`));
      await use((pattern) => void expected.push(pattern));
      const unexpected = heard.filter((complaint) => !expected.some((pattern) => pattern.test(complaint)));
      expect(unexpected, "the browser's complaints").toEqual([]);
    },
    { auto: true },
  ],
});

/** The page is the browser's own: WebAssembly runs and has taken over the server's HTML. */
export async function alive(page: Page): Promise<void> {
  await expect(page.locator("html[data-alive]")).toBeAttached({ timeout: 30_000 });
}

/** Sends a form and waits for its answer: a page that is asked for again before would take it back. */
export async function answered(page: Page, send: () => Promise<void>): Promise<void> {
  const answer = page.waitForResponse((one) => one.request().method() === "POST");
  await send();
  await answer;
}

/** As a program of the auditor's would ask, so that the page under test stays as it is. */
async function findReplicated(page: Page): Promise<string> {
  let found = "";
  await expect(async () => {
    const answer = await page.request.get("/v1/events?status=FINAL&limit=50", bearer("demo-auditor"));
    const { items } = (await answer.json()) as { items: { eventId: string; replicated: boolean }[] };
    found = items.find((item) => item.replicated)?.eventId ?? "";
    expect(found).not.toBe("");
  }).toPass({ timeout: 30_000 });
  return `/ledger/${found}`;
}

export const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
