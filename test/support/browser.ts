// The browser that tests look at pages with: Chromium without what draws its windows, which takes two thirds of the processor,
// where that is installed.
import { type Browser, chromium } from 'playwright-core';
import { findProgram } from './process.ts';

/** Starts it, with arguments of Chromium; close it at the end. */
export const openBrowser = (...args: readonly string[]): Promise<Browser> =>
  chromium.launch({
    executablePath: findProgram('chromium-headless-shell') ?? findProgram('chromium') ?? 'chromium',
    args: ['--no-sandbox', ...args],
  });
