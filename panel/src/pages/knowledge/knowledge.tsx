export default function Knowledge(_: { tab?: string }) { return null; }
