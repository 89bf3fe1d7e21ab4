export default function Prompts(_: { tab?: string }) { return null; }
