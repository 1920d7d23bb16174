// Loaded into a resolver by NODE_OPTIONS=--import: lets workers hang or die, as a defect or a lack of memory would.
import '../../support/dead-workers.mjs';
import '../../support/hang.mjs';
