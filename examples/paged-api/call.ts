/** One call of the API; an answer that is no success is an error, which fails the task and starts it again. */
export const call = async (method: string, url: string, body?: unknown, signal?: AbortSignal): Promise<Response> => {
  const response = await fetch(url, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (!response.ok) {
    throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  }
  return response;
};
