export default function Instruction(_: { tab?: string }) { return null; }
