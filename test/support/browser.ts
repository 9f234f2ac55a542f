import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { stopLater, stopped } from './etcd/cleanup.js';
import { removeFolder, temporaryFolder } from './etcd/temporary-folder.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const ELSEWHERE = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

const HOW_TO_INSTALL = `These tests need Chromium.
  Debian: sudo apt-get install --no-install-recommends chromium
  Fedora: sudo dnf install chromium
  macOS:  brew install --cask chromium
  Any other: set CHROMIUM_BIN=/path/to/chromium`;

/** Nothing that a browser does of its own accord: what it asks for is what the page asks for. */
const ARGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A Chromium without a window and without a past; it ends with the test file. */
export async function startBrowser(): Promise<BrowserContext> {
  const executablePath = findChromium();
  const folder = await temporaryFolder('chromium');
  const context = await chromium.launchPersistentContext(folder, {
    executablePath,
    headless: true,
    // A container's root has no sandbox; the pages are our own.
    chromiumSandbox: false,
    args: ARGS,
  });
  const browser = {
    async [Symbol.asyncDispose](): Promise<void> {
      await context.close();
      await removeFolder(folder);
      stopped(browser);
    },
  };
  stopLater(browser);
  return context;
}

function findChromium(): string {
  const { CHROMIUM_BIN, PATH = '' } = process.env;
  if (CHROMIUM_BIN) return CHROMIUM_BIN;
  const onPath = PATH.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const found = [...onPath, ...ELSEWHERE].find((path) => existsSync(path));
  if (found === undefined) throw new Error(HOW_TO_INSTALL);
  return found;
}
