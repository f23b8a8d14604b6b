/**
 * Of the messages that processes exchange. Raised by any change that an older process would not understand; processes of
 * different versions refuse each other at the hello.
 */
export const PROTOCOL_VERSION = 2;
