// Stands for the packs that build.ts puts into the one file.

/** JSON of Packs. */
export const SHIPPED: string = '{"version":"unbuilt","mandates":[],"lists":[]}';
