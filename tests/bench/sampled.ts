/** A bucket that has a sample taken before each part of an upload, and while an object is read. */
export function sampledBucket(bucket: R2Bucket, sample: () => Promise<void>): R2Bucket {
  const sampled = (upload: R2MultipartUpload) =>
    overridden(upload, {
      async uploadPart(...part: Parameters<R2MultipartUpload["uploadPart"]>) {
        await sample();
        return await upload.uploadPart(...part);
      },
    });
  return overridden(bucket, {
    async get(...given: [string, R2GetOptions]) {
      const object = await bucket.get(...given);
      if (object === null || !("body" in object)) return object;
      const { readable, writable } = new IdentityTransformStream();
      // Its failure is the reader's, who waits for the other end.
      pumpSampled(object.body, { writable, sample }).catch(() => undefined);
      const read = new Response(readable);
      return overridden(object, {
        body: readable,
        text: async () => await read.text(),
        arrayBuffer: async () => await read.arrayBuffer(),
      });
    },
    createMultipartUpload: async (...given) => sampled(await bucket.createMultipartUpload(...given)),
    resumeMultipartUpload: (...given) => sampled(bucket.resumeMultipartUpload(...given)),
  });
}

/** Hands a body on, with a sample about every MiB. */
async function pumpSampled(
  body: ReadableStream<Uint8Array>,
  { writable, sample }: { writable: WritableStream<Uint8Array>; sample: () => Promise<void> },
): Promise<void> {
  const writer = writable.getWriter();
  let since = 0;
  for await (const bytes of body) {
    await writer.write(bytes);
    since += bytes.length;
    if (since < 1_048_576) continue;
    since = 0;
    await sample();
  }
  await writer.close();
}

/** An object of which some members are others. */
export function overridden<T extends object>(original: T, methods: Partial<T>): T {
  return new Proxy(original, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name);
      const member = Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}
