export default function Analytics(_: { tab?: string }) { return null; }
