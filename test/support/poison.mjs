// Loaded into a program under test by NODE_OPTIONS=--import: memory that is handed out without being cleared holds what no
// message of these tests has, in place of whatever lay there before, which most often is zero.
const POISON = 0xe7;

for (const name of ['allocUnsafe', 'allocUnsafeSlow']) {
  const allocate = Buffer[name];
  Buffer[name] = (size) => allocate(size).fill(POISON);
}
