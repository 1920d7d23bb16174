// Whether the gate runs the tests with the tag `deploy`: when what they judge changed since the branch left main, or since
// what HEAD goes on from where it is main. Each night runs them all (`npm run night`).
//
// Packages, image, Ansible role, installations and dashboards change when deploy/ does, and building and judging them
// takes longer than everything else together. What they have of src as well, such as a file that the program reads by its
// path, a night finds. Where git cannot tell what changed, as in a checkout without history, they run.

/** Files and folders. What all tests share is not among them: the others find what breaks there. */
const JUDGED = [
  'deploy',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'src/launch.mjs',
  'pages/build.ts',
  'test/support/fresh-root.sh',
  'test/support/run-image.sh',
  'test/tidy/deploy.test.ts',
].concat(
  ['ansible', 'dashboards', 'image', 'install', 'package'].map((name) => `test/integration/${name}.test.ts`),
);

/** `changed`: files by their path from the root; undefined when nobody knows. */
export const hasDeployChanged = (changed: readonly string[] | undefined): boolean =>
  changed === undefined ||
  changed.some((path) => JUDGED.some((judged) => path === judged || path.startsWith(`${judged}/`)));
