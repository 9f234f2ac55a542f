/** Whoever holds it sweeps for all. */
export const SWEEP_LOCK = 'sweep';
