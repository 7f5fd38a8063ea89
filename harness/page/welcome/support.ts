/** Explains why this browser cannot run the page, and what to do about it. */

export interface Trouble {
  readonly title: string;
  readonly why: string;
  /** Text between backticks is to be typed. */
  readonly remedies: readonly string[];
}

/** Remedies for a browser without navigator.gpu, those for the current browser first. */
function browserRemedies(userAgent: string): string[] {
  const firefox =
    'Firefox: version 141 or later on Windows, 145 or later on macOS with Apple silicon. Elsewhere set `dom.webgpu.enabled` and `gfx.webgpu.ignore-blocklist` to true in `about:config`.';
  const safari =
    'Safari: version 26 or later, on macOS, iOS and iPadOS 26. On older ones it may be under Develop, Feature Flags.';
  const chrome =
    'Chrome, Edge and other browsers from Chromium: version 113 or later on Windows, macOS and ChromeOS, 121 on Android, 144 on Linux with Intel and 147 with NVIDIA graphics. Elsewhere on Linux start it with `--enable-unsafe-webgpu` `--enable-features=Vulkan`.';
  if (/firefox/i.test(userAgent)) return [firefox, chrome, safari];
  if (/chrom(e|ium)|edg\//i.test(userAgent)) return [chrome, firefox, safari];
  return [safari, chrome, firefox];
}

/** The trouble that is known before an adapter is requested; undefined if there is none. */
export function missingWebGpu(env: {
  secure: boolean;
  hasGpu: boolean;
  userAgent: string;
  address: string;
}): Trouble | undefined {
  if (!env.secure) {
    return {
      title: 'This address is not secure, so the browser hides WebGPU',
      why: `WebGPU is for secure pages only: those from https, and those from this machine itself. This one is ${env.address}.`,
      remedies: [
        'Open the page over `https://`.',
        'On the machine that serves it, open it as `http://localhost`.',
        'From another machine, forward the port with `ssh -L 5173:localhost:5173 that-machine`, then open `http://localhost:5173`.',
      ],
    };
  }
  if (env.hasGpu) return undefined;
  return {
    title: 'This browser has no WebGPU',
    why: 'Training runs in WebGPU compute shaders, and navigator.gpu is missing here.',
    remedies: browserRemedies(env.userAgent),
  };
}

/** Explains an error at the start to the user. `losses`: number of devices lost here in the last minutes. */
export function startTrouble(code: string, message: string, userAgent: string, losses = 0): Trouble {
  if (code === 'no-webgpu') {
    return {
      title: 'WebGPU is missing where the training runs',
      why: 'The page has WebGPU, but its worker, which keeps the page smooth, has not.',
      remedies: browserRemedies(userAgent),
    };
  }
  if (code === 'no-adapter' && losses > 0) {
    return {
      title: 'The browser no longer gives the page a GPU',
      why: `Its device was lost ${losses === 1 ? 'once' : `${losses} times`} within the hour. After about three losses, a browser gives no page a GPU until it is restarted.`,
      remedies: [
        'Close all windows of the browser, and start it again.',
        'The runs that this browser keeps are still there: the page then offers to go on with them.',
        'If it happens again, update the graphics driver, or train with smaller batches.',
      ],
    };
  }
  if (code === 'no-adapter') {
    return {
      title: 'WebGPU found no graphics adapter',
      why: `The browser knows WebGPU, but would not give it a GPU: there is none, its driver is blocked, or it crashed too often. (${message})`,
      remedies: [
        'Switch on hardware acceleration in the browser’s settings, and restart the browser.',
        'Update the graphics driver.',
        'Look at `chrome://gpu` or `about:support`: a line on WebGPU says what is wrong.',
        'On Linux, start Chrome with `--enable-unsafe-webgpu` `--enable-features=Vulkan`. Mesa’s Vulkan drivers, `mesa-vulkan-drivers` on Debian, work without a GPU too.',
      ],
    };
  }
  return {
    title: code === 'limit' ? 'This GPU offers too little' : 'The page could not start',
    why: message,
    remedies: ['Update the browser and the graphics driver.', 'Reload the page.'],
  };
}
