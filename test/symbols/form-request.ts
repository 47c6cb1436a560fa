import { type ClientRequest, request } from 'node:http';

export type FormPart =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly fileName: string; readonly content: string | Buffer };

export interface FormAnswer {
  readonly status: number;
  readonly location: string;
  readonly text: string;
}

const BOUNDARY = '----a-boundary-for-tests';

/** A multipart body as a browser writes it, the parts in the given order. */
export function multipartBody(parts: readonly FormPart[]): Buffer {
  const written = parts.flatMap((part) => [
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${part.name}"`,
    'fileName' in part
      ? `; filename="${part.fileName}"\r\nContent-Type: application/octet-stream\r\n\r\n`
      : '\r\n\r\n',
    'fileName' in part ? part.content : part.value,
    '\r\n',
  ]);
  return Buffer.concat([...written, `--${BOUNDARY}--\r\n`].map((each) => Buffer.from(each)));
}

/** A POST whose body the test sends by itself, as much of it as it wants. */
export function openForm(url: string, cookie: string, headers: Readonly<Record<string, string>> = {}) {
  const req: ClientRequest = request(url, {
    method: 'POST',
    headers: {
      Accept: 'text/html',
      Cookie: `curfew=${cookie}`,
      'Content-Type': `multipart/form-data; boundary=${BOUNDARY}`,
      ...headers,
    },
  });
  const answer = new Promise<FormAnswer>((resolve, reject) => {
    req.on('error', reject);
    req.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? '', text }),
      );
    });
  });
  return { req, answer };
}

/** The whole form at once. */
export async function sendForm(
  url: string,
  cookie: string,
  parts: readonly FormPart[],
  headers: Readonly<Record<string, string>> = {},
): Promise<FormAnswer> {
  const body = multipartBody(parts);
  const { req, answer } = openForm(url, cookie, { 'Content-Length': String(body.length), ...headers });
  req.end(body);
  return answer;
}
