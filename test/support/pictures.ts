// Pictures of pages, for people to look at: in dist/pictures where TEST_PICTURES is set, and of a page whose test failed.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';

const FOLDER = fileURLToPath(new URL('../../dist/pictures', import.meta.url));

/** Whether somebody will look at them. */
export const arePicturesWanted = process.env['TEST_PICTURES'] !== undefined;

/** Of the whole page, or of what its window shows. */
export const keepPicture = async (page: Page, name: string, fullPage = true): Promise<void> => {
  mkdirSync(FOLDER, { recursive: true });
  await page.screenshot({ path: join(FOLDER, `${name}.png`), fullPage });
};

/** As keepPicture(), where pictures are wanted: nothing compares them, and they take a browser a quarter of its time. */
export const takePicture = async (page: Page, name: string, fullPage = true): Promise<void> => {
  if (arePicturesWanted) await keepPicture(page, name, fullPage);
};
