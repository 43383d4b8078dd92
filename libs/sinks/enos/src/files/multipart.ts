export interface MultipartHead {
  readonly boundary: string;
  /** JSON of the part `enos-message`. */
  readonly message: Uint8Array;
  /** Of the part `enos-file`; absent: there is none. */
  readonly fileName?: string;
  readonly md5?: string;
}

/** As EnOS writes names: LF, CR and `"` percent-encoded, nothing else. */
function escaped(name: string): string {
  return name.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22');
}

/** Everything in front of the content of the file (RFC 7578 §4). */
export function multipartHead({ boundary, message, fileName, md5 }: MultipartHead): Buffer {
  const open = `--${boundary}\r\nContent-Disposition: form-data; name="enos-message"\r\nContent-Type: application/json\r\n\r\n`;
  const file =
    fileName === undefined
      ? ''
      : `\r\n--${boundary}\r\nContent-Disposition: form-data; name="enos-file"; filename="${escaped(fileName)}"\r\n` +
        `Content-MD5: ${md5 ?? ''}\r\nContent-Type: application/octet-stream\r\n\r\n`;
  return Buffer.concat([Buffer.from(open), message, Buffer.from(file)]);
}

export function multipartEnd(boundary: string): Buffer {
  return Buffer.from(`\r\n--${boundary}--\r\n`);
}
