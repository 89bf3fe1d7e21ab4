export default function Live(_: { tab?: string }) { return null; }
