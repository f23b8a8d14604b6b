/** Something listened to. */
export interface Subscription {
  /** No call comes afterwards; a second call does nothing. */
  end(): void;
}
