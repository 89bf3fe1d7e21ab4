import { Button } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Component, type ReactNode } from "react";
import { useSpeech } from "~/i18n";
import { PartMissing } from "~/lib/lazy-part";
import { Empty } from "./states";

interface FaultBoundaryProps {
  /** What has failed is tried again when this changes. */
  place: string;
  children: ReactNode;
}

/** Says in words that what stands here has failed. */
export class FaultBoundary extends Component<FaultBoundaryProps, { fault: unknown }> {
  override state = { fault: null as unknown };

  static getDerivedStateFromError(fault: unknown) {
    return { fault: fault ?? "error" };
  }

  override componentDidUpdate(before: FaultBoundaryProps) {
    if (before.place !== this.props.place && this.state.fault !== null) this.setState({ fault: null });
  }

  override render() {
    return this.state.fault === null ? this.props.children : <Fault fault={this.state.fault} />;
  }
}

function Fault({ fault }: { fault: unknown }) {
  const { text } = useSpeech();
  const missing = fault instanceof PartMissing;
  return (
    <div role="alert">
      <Empty icon={IconAlertTriangle} title={missing ? text.fault.missing : text.fault.broken}>
        <p>{missing ? text.fault.missingWhy : text.fault.brokenWhy}</p>
        {!missing && <p className="mono dim">{fault instanceof Error ? fault.message : String(fault)}</p>}
        <Button variant="default" mt="sm" onClick={() => location.reload()}>{text.fault.reload}</Button>
      </Empty>
    </div>
  );
}
