"""A host that posts the events of calls one writes down: `Host` collects posts as `sample` gives them."""

from datetime import UTC, datetime

from fakes.call_events import BEGAN_AT, TOKEN

CUSTOMER = "375290001001"
MOBILE = "375290009901"
LINE, RESERVE_LINE = "0001101", "0001102"
_LAG_S = 3
_UTC_OFFSET_S = 3 * 3600


class Host:
    """Times are seconds from the begin of the story; events arrive 3 s after they happened."""

    def __init__(self):
        self.posts = []
        self.now_s = 0

    def at(self, second):
        self.now_s = second
        return self

    def uid(self, counter):
        """A channel made now."""
        return f"{int(BEGAN_AT) + self.now_s}.{counter}"

    def post(self, path, uid, **fields):
        self.posts.append((self.now_s + _LAG_S, path, {"Token": TOKEN, "UniqueId": uid, **fields}))
        return self

    def start(self, uid, phone=CUSTOMER, line=LINE):
        return self.post("/start", uid, Phone=phone, CallType=0, Trunk=line)

    def dial(self, uid, *extensions, phone=CUSTOMER, call_type=0, line=LINE, **more):
        fields = {"Phone": phone, "Extensions": list(extensions), "CallType": call_type, "Trunk": line}
        return self.post("/dial", uid, **fields, ExtTrunk="", ExtPhone="" if call_type else phone, **more)

    def callerid(self, uid, channel, caller, connected="<unknown>", exten="", context="inoffice"):
        return self.post("/new_callerid", uid, **_sides(channel, caller, connected), Context=context, Exten=exten)

    def create(self, bridge):
        return self.post("/bridge_create", "", BridgeUniqueid=bridge, BridgeNumChannels="0")

    def enter(self, uid, bridge, channel, caller, connected="<unknown>", exten="", **more):
        sides = _sides(channel, caller, connected, **more)
        return self.post("/bridge", uid, BridgeUniqueid=bridge, Exten=exten, **sides)

    def leave(self, uid, bridge, channel, caller, connected="<unknown>", left="0"):
        sides = _sides(channel, caller, connected)
        return self.post("/bridge_leave", uid, BridgeUniqueid=bridge, BridgeNumChannels=left, **sides)

    def destroy(self, bridge):
        return self.post("/bridge_destroy", "", BridgeUniqueid=bridge, BridgeNumChannels="0")

    def hangup(self, uid, phone, *extensions, call_type=0, status="2", line=LINE, began_s=0, **more):
        """`began_s`: when the call or leg began; it ends now. Internal calls have no StartTime and no Trunk."""
        times = {"DateReceived": _clock(began_s), "StartTime": _clock(began_s), "EndTime": _clock(self.now_s)}
        fields = {"Phone": phone, "Extensions": list(extensions) or [""], "CallType": call_type, "CallStatus": status}
        if call_type == 2:
            return self.post("/hangup", uid, **fields, **{**times, "StartTime": ""}, **more)
        return self.post("/hangup", uid, **fields, **times, Trunk=line, **more)

    def talk(self, bridge, one, other):
        """Two sides enter a bridge; each is (unique id, channel, number, exten)."""
        for mine, theirs in ((one, other), (other, one)):
            self.enter(mine[0], bridge, mine[1], mine[2], theirs[2], mine[3])
        return self

    def part(self, bridge, one, other):
        """Both leave, and the bridge goes."""
        self.leave(one[0], bridge, one[1], one[2], other[2], left="1")
        self.leave(other[0], bridge, other[1], other[2], one[2], left="0")
        return self.destroy(bridge)


def _sides(channel, caller, connected, **more):
    return {
        "Channel": channel,
        "CallerIDNum": caller,
        "CallerIDName": "",
        "ConnectedLineNum": connected,
        "ConnectedLineName": "<unknown>",
        **more,
    }


def _clock(second):
    return datetime.fromtimestamp(BEGAN_AT + second + _UTC_OFFSET_S, UTC).strftime("%Y-%m-%d %H:%M:%S")
