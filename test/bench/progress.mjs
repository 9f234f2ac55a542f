/** What is under way, on the last line of a terminal; a log gets none of it. */
export function showProgress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

export function clearProgress() {
  showProgress('');
}
