// One event: the proof that this browser computes, on whose word the keys rest, the receipt.
import { readFile } from "node:fs/promises";
import { bearer, expect, test } from "./console";

const STEPS = ".proof .step";

test("the browser computes every step, and only the keys rest on the server's word", async ({ page, open, replicated }) => {
  await open(replicated);
  await expect(page.locator("#proof-title")).toContainText("Verified in this browser");
  const states = await page.locator(STEPS).evaluateAll((steps) => steps.map((step) => step.getAttribute("data-state")));
  expect(states.length).toBeGreaterThan(5);
  // A third cloud may have signed a later root than the one that the receipt stands on.
  const unneeded = states.filter((state) => state === "unchecked");
  expect(unneeded.length).toBeLessThanOrEqual(1);
  const needed = states.slice(0, -1).filter((state) => state !== "unchecked");
  expect(needed).toEqual(needed.map(() => "valid"));
  expect(states.at(-1)).toBe("unidentified");
  await expect(page.locator(".verdict")).toHaveAttribute("data-state", "unidentified");
});

test("with the reader's own policy file, nothing rests on anybody's word", async ({ page, open, replicated, clouds }) => {
  const policy = await page.request.get(`${clouds.aws}/v1/policy-file`, bearer("demo-auditor"));
  await open(replicated);
  const buffer = Buffer.from(await policy.text());
  await page.locator("#own-policy").setInputFiles({ name: "mine.txt", mimeType: "text/plain", buffer });
  await expect(page.locator(".verdict")).toHaveAttribute("data-state", "valid");
  await expect(page.locator(`${STEPS}:not([data-state=valid], [data-state=unchecked])`)).toHaveCount(0);
  await expect(page.locator(".proof-foot")).toContainText("mine.txt");
});

test("the receipt is downloaded as the file that the command line reads", async ({ page, open, replicated }) => {
  await open(replicated);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Receipt", exact: true }).click()]);
  const receipt = JSON.parse(await readFile(await download.path(), "utf8")) as { event: { eventId: string } };
  expect(replicated).toBe(`/ledger/${receipt.event.eventId}`);
});

test("the same event has the same hash at every cloud", async ({ page, replicated, clouds }) => {
  const id = replicated.split("/").pop();
  const hashes = await Promise.all(
    Object.values(clouds).map(async (url) => {
      const answer = await page.request.get(`${url}/v1/events/${id}`, bearer("demo-auditor"));
      return ((await answer.json()) as { hash: string }).hash;
    }),
  );
  expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set(hashes).size).toBe(1);
});

test("an id that nobody knows is told, with a way on", async ({ page, open, expectComplaint }) => {
  expectComplaint(/404/);
  await open("/ledger/0192f4c1-7a3e-7c40-b1d2-93f0a6548e2b");
  await expect(page.locator(".problem")).toContainText("404");
});
