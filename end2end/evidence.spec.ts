// Evidence against a cloud: none here, and a file made by other hands is verified with the network off.
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { expect, test } from "./console";

type File = { name: string; mimeType: string; buffer: Buffer };
const file = (name: string, text: string): File => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) });

const LOG = "elsewhere.example/aws/1";

/** A log's key as a C2SP vkey, and its id. */
function vkey(key: KeyObject): { text: string; id: Buffer } {
  const raw = key.export({ format: "der", type: "spki" }).subarray(-32);
  const material = Buffer.concat([Buffer.from([1]), raw]);
  const id = createHash("sha256").update(`${LOG}\n`).update(material).digest().subarray(0, 4);
  return { text: `${LOG}+${id.toString("hex")}+${material.toString("base64")}`, id };
}

/** C2SP signed note over a checkpoint of seven entries with this root. */
function note(root: number, privateKey: KeyObject, id: Buffer): string {
  const text = `${LOG}\n7\n${Buffer.alloc(32, root).toString("base64")}\n`;
  const line = Buffer.concat([id, sign(null, Buffer.from(text), privateKey)]).toString("base64");
  return `${text}\n— ${LOG} ${line}\n`;
}

/** Two roots of one size under one key: evidence, written without any code of ours. */
function evidence(second: number): { record: string; policy: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = vkey(publicKey);
  const record = {
    format: "ternion/evidence/v1",
    kind: "equivocation",
    key: key.text,
    first: note(1, privateKey, key.id),
    second: note(second, privateKey, key.id),
  };
  return { record: JSON.stringify(record), policy: `log ${key.text}\nquorum none\n` };
}

test("without evidence the page says that no cloud has signed two histories", async ({ page, open }) => {
  await open("/ledger");
  await page.getByRole("link", { name: "Evidence", exact: true }).click();
  await expect(page).toHaveURL("/ledger/evidence");
  await expect(page.getByRole("heading", { name: "Evidence", level: 1 })).toBeVisible();
  await expect(page.getByRole("heading", { name: "No cloud has signed two histories" })).toBeVisible();
  await expect(page.locator(".banner-alarm")).toHaveCount(0);
});

test("evidence is verified with the network off, as a receipt is", async ({ page, context, open, expectComplaint }) => {
  // The stream, which wants the network back.
  expectComplaint(/ERR_INTERNET_DISCONNECTED/);
  const { record, policy } = evidence(2);
  await open("/verify");
  await expect(page.locator(".verify[data-ready]")).toBeVisible();
  await context.setOffline(true);
  await page.locator("#receipt").setInputFiles(file("evidence.json", record));
  await expect(page.getByRole("heading", { name: "Evidence against AWS" })).toBeVisible();
  await expect(page.locator(".verdict")).toHaveAttribute("data-state", "unidentified");
  await page.locator("#policy").setInputFiles(file("policy.txt", policy));
  await expect(page.locator(".verdict")).toHaveAttribute("data-state", "valid");
  await expect(page.locator(".verdict")).toContainText("Proven: aws's log key signed two different histories of aws/1.");
});

test("evidence that shows one head twice frames nobody", async ({ page, open }) => {
  const { record, policy } = evidence(1);
  await open("/verify");
  await page.locator("#receipt").setInputFiles(file("framed.json", record));
  await page.locator("#policy").setInputFiles(file("policy.txt", policy));
  await expect(page.locator(".verdict")).toHaveAttribute("data-state", "invalid");
});

test("evidence that is not held here is not found", async ({ page, open, expectComplaint }) => {
  expectComplaint(/404/);
  await open(`/ledger/evidence/${"0".repeat(64)}`);
  await expect(page.getByRole("heading", { name: "Not found" })).toBeVisible();
});
