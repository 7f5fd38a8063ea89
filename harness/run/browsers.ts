/** Finding and starting the browsers, with what makes WebGPU work in them on a machine with a GPU and on one without. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Browser } from 'puppeteer';

// Awaited, so that a bundle of all commands loads it with the command that needs it: it takes a third of a second.
const { default: puppeteer } = await import('puppeteer');

/** It closes at the end of a block, too, which puppeteer's types do not say. */
type Launched = Browser & AsyncDisposable;

export type BrowserKind = 'chrome' | 'firefox';

export const binaryVariable = { chrome: 'CHROME_BIN', firefox: 'FIREFOX_BIN' } as const;

const systemNames = {
  chrome: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'],
  firefox: ['firefox-esr', 'firefox'],
} as const;

const systemPaths = {
  chrome: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  ],
  firefox: [
    '/Applications/Firefox.app/Contents/MacOS/firefox',
    'C:\\Program Files\\Mozilla Firefox\\firefox.exe',
  ],
} as const;

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The executable named by CHROME_BIN or FIREFOX_BIN, else one that puppeteer has downloaded, else the system's. */
export function findBrowser(kind: BrowserKind): string | undefined {
  const named = process.env[binaryVariable[kind]];
  if (named) {
    if (isExecutable(named)) return named;
    throw new Error(`${binaryVariable[kind]} is ${named}, which is not an executable file.`);
  }
  try {
    const downloaded = puppeteer.executablePath({ browser: kind });
    if (isExecutable(downloaded)) return downloaded;
  } catch {
    // Puppeteer has none.
  }
  const folders = (process.env.PATH ?? '').split(delimiter);
  const inPath = systemNames[kind].flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...inPath, ...systemPaths[kind]].find(isExecutable);
}

const chromeFlags = [
  // WebGPU on Linux, over Vulkan; with no GPU the adapter is Chrome's own software one, SwiftShader.
  '--enable-unsafe-webgpu',
  '--enable-features=Vulkan',
  // Nothing that reaches for the network.
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const firefoxPrefs = {
  'dom.webgpu.enabled': true,
  // Firefox keeps WebGPU from the drivers that it does not trust, all of Linux's among them; without this pref it has
  // navigator.gpu but no adapter. No other pref is needed: with no GPU the adapter is Mesa's lavapipe.
  'gfx.webgpu.ignore-blocklist': true,
};

/**
 * Starts a headless browser with WebGPU. It ends with this process. `signals: false`: a Ctrl-C is the caller's business, who closes the
 * browser; otherwise it ends this process too. `profile`: a folder that keeps what pages store, for the next one. `canvases`: whether pages
 * draw on WebGPU's canvases, for which headless Chrome needs one more flag.
 */
export async function launchBrowser(
  kind: BrowserKind,
  {
    signals = true,
    profile,
    canvases = false,
  }: { readonly signals?: boolean; readonly profile?: string; readonly canvases?: boolean } = {},
): Promise<Launched> {
  const executablePath = findBrowser(kind);
  if (!executablePath) throw new Error(`No ${kind} was found. Install it or set ${binaryVariable[kind]}.`);
  const handled = { handleSIGINT: signals, handleSIGTERM: signals };
  // A wait in a page is one call: it may last as long as the test that waits.
  const common = {
    browser: kind,
    executablePath,
    headless: true,
    userDataDir: profile,
    protocolTimeout: 0,
    ...handled,
  } as const;
  if (kind === 'firefox') {
    // Firefox's crash helper would outlive a Firefox that is killed.
    const env = { ...process.env, MOZ_CRASHREPORTER_DISABLE: '1' };
    return puppeteer.launch({ ...common, env, extraPrefsFirefox: firefoxPrefs }) as Promise<Launched>;
  }
  // Chrome's sandbox does not work for root. Over a pipe, Chrome ends by itself when this process dies.
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const forCanvases = canvases ? ['--use-angle=swiftshader'] : [];
  const args = [...chromeFlags, ...asRoot, ...forCanvases];
  return puppeteer.launch({ ...common, pipe: true, args }) as Promise<Launched>;
}
