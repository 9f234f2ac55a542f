/** The user can put it right: shown as a sentence, without a stack. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
