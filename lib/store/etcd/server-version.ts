/** Whether a server's version, such as `3.5.16` or `3.6.0-rc.1`, is at least another. */
export function atLeast(version: string, least: string): boolean {
  const [have, want] = [numbers(version), numbers(least)];
  for (const [place, wanted] of want.entries()) {
    const given = have[place] ?? 0;
    if (given !== wanted) return given > wanted;
  }
  return true;
}

function numbers(version: string): number[] {
  return version.split('-')[0]!.split('.').map(Number);
}
