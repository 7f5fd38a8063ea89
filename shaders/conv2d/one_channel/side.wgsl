// The side of the kernel, 5, or 3 with `side3`, and constants that depend on it.
#if side3
const SIDE = 3u;
const HALF = 1u; // pixels that a kernel reaches to each side
const LAST = 2u; // SIDE - 1
const TAPS = 9u;
const WINDOW = 9u; // pixels around a strip of 7
const COLUMNS = 6u; // pixels around a strip of 4
#else
const SIDE = 5u;
const HALF = 2u; // pixels that a kernel reaches to each side
const LAST = 4u; // SIDE - 1
const TAPS = 25u;
const WINDOW = 11u; // pixels around a strip of 7
const COLUMNS = 8u; // pixels around a strip of 4
#endif
