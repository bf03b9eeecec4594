// Scenarios: the three questions of the controller, levers that are followed at once, what is kept and
// promoted, the address that says it all; with and without scripts.
import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { bearer, expect, test } from "./console";

const SOON = { timeout: 30_000 };
/** Last month: its usage grows no more, so figures can be compared. */
const WINDOW = (() => {
  const now = new Date();
  const first = (before: number) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - before, 1)).toISOString().slice(0, 10);
  return { from: first(1), to: first(0) };
})();
const question = (page: Page, name: string) => page.locator(".preset", { hasText: name });
/** All draws are made for the levers in the address. */
const settled = async (page: Page, address: RegExp) => {
  await expect(page).toHaveURL(address, SOON);
  await expect(page.locator(".desk-figures")).toHaveAttribute("aria-busy", "false", SOON);
};
const margin = ".figure:first-child .figure-now";

/** The demonstration's usage is priced once its story is told. */
const there = async (page: Page) => {
  await expect(async () => {
    await page.goto(`/scenarios?from=${WINDOW.from}&to=${WINDOW.to}`);
    await expect(page.locator(".levers")).toBeVisible();
  }).toPass(SOON);
  await expect(page.locator(".figures-sentence")).toContainText("Drawn in this browser.", SOON);
};

test("a question at one press moves the figures, and its address brings them back", async ({ page, open, expectAccessible }) => {
  await open("/");
  await there(page);
  const before = await page.locator(margin).innerText();
  await question(page, "OpenAI raises cost 30 %").click();
  await expect(page.locator(margin)).not.toHaveText(before);
  await settled(page, /cost\.azure=30/);
  const after = await page.locator(margin).innerText();
  await expect(page.locator(".bars", { hasText: "From base to scenario" })).toContainText("Provider cost");
  await expectAccessible();
  await page.reload();
  await expect(page.locator(".figures-sentence")).toContainText("Drawn in this browser.", SOON);
  await expect(page.locator(margin)).toHaveText(after);
  await page.getByRole("button", { name: "Back to the base" }).click();
  await expect(page.locator(margin)).toHaveText(before);
});

test("latency and penalties need draws of their own, and the worker makes them", async ({ page, open }) => {
  await open("/");
  await there(page);
  const owed = page.getByRole("row", { name: /^All/ }).locator("td").nth(2);
  const before = await owed.innerText();
  await question(page, "SLA penalties trigger").click();
  await settled(page, /owed\./);
  await expect(owed).not.toHaveText(before);
  const after = await owed.innerText();
  await question(page, "EU latency +20 %").click();
  await settled(page, /latency\./);
  await expect(page).not.toHaveURL(/owed\./);
  await page.goBack();
  await settled(page, /owed\./);
  await expect(owed).toHaveText(after);
});

test("how long requests take is said place by place, and where something of it is assumed", async ({ page, open, expectAccessible }) => {
  await open("/");
  await there(page);
  const card = page.locator(".latencies");
  await expect(card.locator("summary")).toContainText("How long requests take: measured at");
  await card.locator("summary").click();
  // Forty requests at each place last month: too few for a slowest hundredth.
  await expect(card.getByRole("row", { name: /^azure/ }).first()).toContainText("fitted to few requests, the tail assumed");
  await expect(page.locator("footer.provenance")).toContainText("Too few requests to");
  await expectAccessible();
});

test("what the browser draws is what the server answers, to the bit", async ({ page, open }) => {
  await open("/");
  await there(page);
  for (const seed of ["1", "2026", "18446744073709551615"]) {
    const window = { from: `${WINDOW.from}T00:00:00Z`, to: `${WINDOW.to}T00:00:00Z`, pricesAsOf: `${WINDOW.to}T00:00:00Z` };
    const address = `/v1/economics/inputs?${new URLSearchParams(window)}`;
    const inputs = await (await page.request.get(address, bearer("demo-controller"))).text();
    const request = {
      ...window,
      seed,
      draws: 2000,
      scenarios: [{ name: "s", changes: { cost: { azure: "0.3" }, price: { pro: "0.05" }, usage: { pro: "-0.1" } } }],
    };
    const drawn = await page.evaluate(
      async ({ inputs, request }) => {
        const file = (document.querySelector("[data-worker]") as HTMLElement).dataset.worker!;
        const worker = new Worker(file, { type: "module" });
        return new Promise<string>((resolve, reject) => {
          worker.onmessage = ({ data }) => {
            if (data.refused) reject(new Error(data.refused));
            const step = data.step && JSON.parse(data.step);
            if (step?.board) resolve(JSON.stringify(step.board));
          };
          worker.postMessage({ open: { inputs, request: JSON.stringify(request) } });
        });
      },
      { inputs, request },
    );
    const server = await page.request.post("/v1/economics/simulate", { ...bearer("demo-controller"), data: request });
    expect(server.status()).toBe(200);
    const [here, there] = [JSON.parse(drawn), JSON.parse(await server.text())];
    const { results, bridge } = there.scenarios[0];
    expect(here.base.profitUsd).toEqual(there.base.profitUsd);
    expect(here.now.profitUsd).toEqual(results.profitUsd);
    expect(here.now.margin).toEqual(results.margin);
    expect(here.tornado).toEqual(results.tornado);
    expect(here.bridge.map(([, part]: [string, number]) => part)).toEqual(bridge.partsUsd.map(Number));
  }
});

test("a scenario is kept, compared, and made a proposal, each an event of the ledger", async ({ page, open }) => {
  const name = `Azure dearer ${randomUUID().slice(0, 8)}`;
  await open("/");
  await there(page);
  await page.goto("/scenarios?cost.azure=25&price.pro=5");
  await page.getByRole("link", { name: "Keep…" }).click();
  const dialog = page.getByRole("dialog", { name: "Keep this scenario" });
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Notes").fill("For the board.\nSecond line.");
  await dialog.getByRole("button", { name: "Keep it" }).click();
  await expect(page.locator(".desk-name")).toHaveText(`${name} (version 1)`, SOON);
  const row = page.locator(".saved-row", { hasText: name });
  await expect(row).toContainText("azure cost +25 % · pro price +5 %");
  // What is proposed is what was kept, wherever the levers are.
  await page.locator("[id='price.pro']").fill("9");
  await page.locator("[id='price.pro']").blur();
  await settled(page, /price\.pro=9/);
  await expect(page.locator(".desk-changes")).toContainText("and not what was kept");
  await page.getByRole("link", { name: "Promote…" }).click();
  const promote = page.getByRole("dialog", { name: `Make “${name}” a proposal` });
  await expect(promote).toContainText("Price changes: pro +5 %.");
  await expect(promote).toContainText("The levers have moved since it was kept.");
  await promote.getByLabel("Reason").fill("Azure will not come down again");
  await promote.getByRole("button", { name: "Propose it" }).click();
  await expect(page.locator(".saved-row", { hasText: name })).toContainText("Azure will not come down again", SOON);
  await page.goto("/scenarios?cost.azure=50");
  await page.locator(".saved-row", { hasText: name }).getByRole("link", { name: "Compare" }).click();
  await expect(page.locator(".beside thead")).toContainText(name, SOON);
});

test("one tenant's price gets a lever of its own, which the address keeps", async ({ page, open, expectAccessible }) => {
  await open("/");
  await there(page);
  const group = page.locator(".lever-group", { hasText: "One tenant’s price" });
  await group.locator("summary").click();
  await group.getByLabel("Add a tenant").selectOption("juniper");
  const slider = group.getByRole("slider", { name: "juniper’s price, percent" });
  await expect(slider).toBeVisible();
  await expectAccessible();
  await page.locator("[id='tenant-price.juniper']").fill("8");
  await page.locator("[id='tenant-price.juniper']").blur();
  await settled(page, /tenant-price\.juniper=8/);
  await expect(page.locator(".desk-changes")).toContainText("juniper’s price +8 %");
  await page.reload();
  await expect(slider).toHaveValue("8");
  // Put back, it stays where the finger is.
  await group.getByRole("button", { name: "Put back: juniper’s price, percent" }).click();
  await expect(slider).toHaveValue("0");
});

test("a form that is refused comes back with what was typed", async ({ page, open }) => {
  await open("/");
  await there(page);
  await page.goto("/scenarios?cost.azure=25");
  await page.getByRole("link", { name: "Keep…" }).click();
  const dialog = page.getByRole("dialog", { name: "Keep this scenario" });
  await dialog.getByLabel("Name").fill(" ");
  await dialog.getByLabel("Notes").fill("Long thoughts,\nwith “quotes” & more.");
  await dialog.getByRole("button", { name: "Keep it" }).click();
  await expect(page.getByRole("alert")).toContainText("a name must be 1 to 200", SOON);
  await expect(dialog.getByLabel("Notes")).toHaveValue("Long thoughts,\nwith “quotes” & more.");
  await expect(page.locator("[id='cost.azure']")).toHaveValue("25");
});

test("without a worker the levers ask the server, and say that they wait", async ({ page, open, expectComplaint }) => {
  expectComplaint(/503/);
  await page.route("**/v1/economics/inputs*", (route) => route.fulfill({ status: 503, body: "{}" }));
  await open("/");
  await expect(async () => {
    await page.goto("/scenarios");
    await expect(page.locator(".levers")).toBeVisible();
  }).toPass(SOON);
  const before = await page.locator(margin).innerText();
  const compute = page.locator(".levers-ask");
  await expect(compute).toBeVisible();
  await page.locator("[id='cost.azure']").fill("30");
  await page.locator("[id='cost.azure']").blur();
  await expect(page.locator(".figures-sentence")).toContainText("press Compute");
  await expect(page.locator(margin)).toHaveText(before);
  await compute.click();
  await expect(page).toHaveURL(/cost\.azure=30/);
  await expect(page.locator(margin)).not.toHaveText(before);
});

test.describe("an auditor", () => {
  test.use({ role: "auditor" });
  test("moves levers and keeps nothing, and is told why", async ({ page, open }) => {
    await open("/");
    await there(page);
    await expect(page.locator(".desk-head .held")).toContainText("keep or promote scenarios");
    await expect(page.getByRole("link", { name: "Keep…" })).toHaveCount(0);
  });
});

test("an absurd address says what is wrong with it, and the rest holds", async ({ page, open }) => {
  await open("/");
  await there(page);
  await page.goto("/scenarios?cost.azure=lots&price.pro=5&route.azure=60&cost.opnai=30");
  await expect(page.getByRole("alert")).toContainText("cost.azure: \"lots\" is no number.");
  await expect(page.getByRole("alert")).toContainText("60 % in sum");
  await expect(page.getByRole("alert")).toContainText("this window has no cost.opnai; it is left out.");
  await expect(page.locator("[id='price.pro']")).toHaveValue("5");
});

test.describe("without scripts", () => {
  test.use({ javaScriptEnabled: false });
  test("the form asks the server, which answers with a whole page", async ({ page }) => {
    await expect(async () => {
      await page.goto("/scenarios");
      await expect(page.locator(".levers")).toBeVisible();
    }).toPass(SOON);
    await page.locator("[id='cost.azure']").fill("30");
    await page.getByRole("button", { name: "Compute" }).last().click();
    await expect(page).toHaveURL(/cost\.azure=30/);
    await expect(page.locator(".figure-base strong").first()).toContainText("pt");
    await expect(page.locator(".margin-drawing svg")).toBeVisible();
    await page.locator(".lever-group", { hasText: "One tenant’s price" }).locator("summary").click();
    await page.getByLabel("Add a tenant").selectOption("juniper");
    await page.getByLabel("Its price changes by, %").fill("8");
    await page.getByRole("button", { name: "Compute" }).last().click();
    await expect(page.locator("[id='tenant-price.juniper']")).toHaveValue("8");
    await expect(page.locator(".desk-changes")).toContainText("juniper’s price +8 %");
  });
});
