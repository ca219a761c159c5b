/** A bucket that has a sample taken before each part of an upload. */
export function sampledBucket(bucket: R2Bucket, sample: () => Promise<void>): R2Bucket {
  const sampled = (upload: R2MultipartUpload) =>
    overridden(upload, {
      async uploadPart(...part: Parameters<R2MultipartUpload["uploadPart"]>) {
        await sample();
        return await upload.uploadPart(...part);
      },
    });
  return overridden(bucket, {
    createMultipartUpload: async (...given) => sampled(await bucket.createMultipartUpload(...given)),
    resumeMultipartUpload: (...given) => sampled(bucket.resumeMultipartUpload(...given)),
  });
}

/** An object of which some methods are others. */
export function overridden<T extends object>(original: T, methods: Partial<T>): T {
  return new Proxy(original, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name);
      const member = Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}
