export default function System(_: { tab?: string }) { return null; }
