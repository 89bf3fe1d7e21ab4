export default function Talk(_: { tab?: string }) { return null; }
