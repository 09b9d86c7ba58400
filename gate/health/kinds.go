package health

import (
	"maps"
	"slices"
)

// Code names a kind of warning in metrics, logs and interfaces. A code never
// changes its meaning.
type Code string

// The kinds of warning. The subject that each expects stands beside it.
const (
	DeviceDown         Code = "device_down"          // device: a reader or barrier does not answer
	LaneDown           Code = "lane_down"            // lane: nobody can be let through by the lane itself
	FireReleased       Code = "fire_released"        // lane: a fire signal released its barrier, and nobody has put it back
	Evacuation         Code = "evacuation"           // none: Detail.Count lanes stand open by order
	BarrierUnknown     Code = "barrier_unknown"      // lane: nobody knows whether people went through
	PackMissing        Code = "pack_missing"         // none: the gate knows no tickets
	PackExpired        Code = "pack_expired"         // none: Detail.At is when
	PackOld            Code = "pack_old"             // none: Detail.Age is how old
	PackRejected       Code = "pack_rejected"        // repository: a newer pack was offered and found wanting
	PackUnusable       Code = "pack_unusable"        // where: a pack that the gate has cannot be used
	EventDropped       Code = "event_dropped"        // event number: it is not in the repository any more, and not over
	JournalFailed      Code = "journal_failed"       // none: nothing can be recorded, so nothing is granted
	JournalDamaged     Code = "journal_damaged"      // none: damage was found and kept apart; Detail.Count records
	DiskLow            Code = "disk_low"             // directory: Detail.Bytes are left
	BatteryLow         Code = "battery_low"          // none: Detail.Percent is left of the handheld's battery, and Detail.Charging says whether it gets more
	ClockUntrusted     Code = "clock_untrusted"      // none: nobody vouches for the gate's time
	KeyFileLoose       Code = "key_file_loose"       // file: secrets stand in it unsealed
	ConfigReloadFailed Code = "config_reload_failed" // file: the last good configuration is in use
	PageDown           Code = "page_down"            // address: the page cannot be served there
	GateUnknown        Code = "gate_unknown"         // none: the venue's roster does not have this gate, or has it with another key
	LaneUnknown        Code = "lane_unknown"         // lane number: the venue's roster does not give this gate that lane
	CentralDown        Code = "central_down"         // none: central does not answer
	KeysUnusable       Code = "keys_unusable"        // none: what was sealed to this gate cannot be opened or kept
	NetworkDown        Code = "network_down"         // none: this gate is not on the venue's network
	PeersLost          Code = "peers_lost"           // none: Detail.Count other gates are not heard
	Isolated           Code = "isolated"             // none: the keepers cannot be reached; Detail.At is since when
	KeeperStopped      Code = "keeper_stopped"       // none: this gate is a keeper and cannot be one any more
	LogRefused         Code = "log_refused"          // gate number: records that it is said to have made are not believed
	Conflicts          Code = "conflicts"            // event number: Detail.Count tickets were admitted too often
	PhonesApart        Code = "phones_apart"         // none: most phones' clocks differ from the gate's
	UplinkStuck        Code = "uplink_stuck"         // none: Detail.Count records wait for central
)

// Codes returns all codes in alphabetical order.
func Codes() []Code { return slices.Sorted(maps.Keys(kinds)) }

// Known reports whether a kind of this code is declared.
func (c Code) Known() bool {
	_, ok := kinds[c]
	return ok
}

// Severity returns the severity of the code's kind. A code that no kind has is
// as pressing as can be: somebody should look.
func (c Code) Severity() Severity {
	if k, ok := kinds[c]; ok {
		return k.severity
	}
	return Critical
}

// kind is the one declaration of a kind of warning.
type kind struct {
	severity       Severity
	en, zh         func(Active) string
	nextEN, nextZH string
}

// kinds declares every kind. It is never changed.
var kinds = map[Code]kind{
	DeviceDown: {
		severity: Warning,
		en:       func(a Active) string { return "Device " + a.Subject + " does not answer" + a.causeEN() + "." },
		zh:       func(a Active) string { return "设备 " + a.Subject + " 无响应" + a.causeZH() + "。" },
		nextEN:   "Check its plug, cable and power. It comes back by itself; the lane's other devices go on.",
		nextZH:   "请检查插头、线缆和电源。恢复后会自动重连，通道其他设备继续工作。",
	},
	LaneDown: {
		severity: Critical,
		en:       func(a Active) string { return "Lane " + a.Subject + " is out of service" + a.causeEN() + "." },
		zh:       func(a Active) string { return "通道 " + a.Subject + " 已停用" + a.causeZH() + "。" },
		nextEN:   "Send visitors to another lane and call a technician.",
		nextZH:   "请引导观众改走其他通道，并联系技术人员。",
	},
	FireReleased: {
		severity: Critical,
		en:       func(a Active) string { return "Lane " + a.Subject + ": the fire signal released the barrier." },
		zh:       func(a Active) string { return "通道 " + a.Subject + "：消防信号已释放闸机。" },
		nextEN:   "Let everybody pass. When the alarm is over, a supervisor or technician ends it on the lane's page, or with: venuegate lane end-fire.",
		nextZH:   "请放行所有人。警报解除后，由主管或技术人员在通道页面上恢复，或执行 venuegate lane end-fire。",
	},
	Evacuation: {
		severity: Critical,
		en: func(a Active) string {
			return "Evacuation: the barriers stand open by order" + a.count(" (%d lanes here)") + "."
		},
		zh: func(a Active) string {
			return "疏散：按命令开放闸机" + a.count("（本机 %d 条通道）") + "。"
		},
		nextEN: "Let everybody out. When it is over, a supervisor ends it with: venuegate order normal.",
		nextZH: "请让所有人离场。疏散结束后，由主管执行 venuegate order normal 恢复。",
	},
	BarrierUnknown: {
		severity: Warning,
		en: func(a Active) string {
			return "Lane " + a.Subject + ": the barrier was opened, but it cannot be told whether anybody went through" + a.causeEN() + "."
		},
		zh: func(a Active) string {
			return "通道 " + a.Subject + "：闸机已开，但无法确认是否有人通过" + a.causeZH() + "。"
		},
		nextEN: "The ticket counts as used. Look at the lane; if somebody is still outside, let them in by hand.",
		nextZH: "该票按已使用计。请查看通道；如观众仍在场外，请人工放行。",
	},
	PackMissing: {
		severity: Critical,
		en:       func(a Active) string { return "This gate has no ticket list" + a.causeEN() + "." },
		zh:       func(a Active) string { return "本机没有票务名单" + a.causeZH() + "。" },
		nextEN:   "Install the event's pack from central, a neighbouring gate or a USB stick. Until then use another gate.",
		nextZH:   "请从中心、相邻闸机或 U 盘安装活动数据包；在此之前请使用其他闸机。",
	},
	PackExpired: {
		severity: Warning,
		en: func(a Active) string {
			return "The ticket list's signature ran out" + a.at(" on %s") + ". The gate keeps working with it."
		},
		zh: func(a Active) string {
			return "票务名单签名已" + a.at("于 %s ") + "过期，闸机继续使用该名单。"
		},
		nextEN: "Fetch a fresh pack as soon as there is a way to get one. Late refunds and transfers may be missing.",
		nextZH: "请尽快获取新的数据包。近期退票、转让可能尚未更新。",
	},
	PackOld: {
		severity: Warning,
		en:       func(a Active) string { return "The ticket list is " + a.ageEN() + "." },
		zh:       func(a Active) string { return "票务名单" + a.ageZH() + "。" },
		nextEN:   "Fetch a fresh pack. Late sales show the full code; late refunds are not known here.",
		nextZH:   "请获取新的数据包。新售的票请出示完整票码，近期退票本机尚不知晓。",
	},
	PackRejected: {
		severity: Warning,
		en: func(a Active) string {
			return "A new ticket list was refused" + a.causeEN() + ". The one in use stays."
		},
		zh: func(a Active) string {
			return "新的票务名单未通过校验" + a.causeZH() + "，继续使用现有名单。"
		},
		nextEN: "Fetch the pack again, from another source if there is one. If it is refused again, tell central.",
		nextZH: "请重新获取数据包，可换其他来源；如仍被拒绝，请告知票务中心。",
	},
	JournalFailed: {
		severity: Critical,
		en:       func(a Active) string { return "Entries cannot be saved" + a.causeEN() + ". The lanes stay shut." },
		zh:       func(a Active) string { return "入场记录无法保存" + a.causeZH() + "，通道保持关闭。" },
		nextEN:   "Use other gates and call a technician: the disk is full, worn out or read-only.",
		nextZH:   "请使用其他闸机并联系技术人员：磁盘已满、损坏或只读。",
	},
	JournalDamaged: {
		severity: Info,
		en: func(a Active) string {
			return "Damage in the record of an earlier run was found and kept apart" + a.count(" (%d records)") + a.causeEN() + "."
		},
		zh: func(a Active) string {
			return "发现先前运行的记录有损坏，已单独保存" + a.count("（%d 条）") + a.causeZH() + "。"
		},
		nextEN: "Nothing to do at the lane. Tell a technician: the disk may be wearing out or power was cut.",
		nextZH: "通道无需处理。请告知技术人员：可能断过电或磁盘老化。",
	},
	DiskLow: {
		severity: Warning,
		en:       func(a Active) string { return "Little disk space is left" + a.in(" in %s") + a.left(": %s") + "." },
		zh:       func(a Active) string { return "磁盘空间不足" + a.in("：%s") + a.left("，剩余 %s") + "。" },
		nextEN:   "Call a technician to make room. When the disk is full, entries cannot be saved and the lanes shut.",
		nextZH:   "请联系技术人员清理空间。磁盘写满后将无法保存记录，通道会关闭。",
	},
	BatteryLow: {
		severity: Warning,
		en: func(a Active) string {
			return "The battery is low" + a.percent(": %d %% left") + optional(a.Detail.Charging, "%s", ", charging") + "."
		},
		zh: func(a Active) string {
			return "电池电量低" + a.percent("，剩余 %d %%") + optional(a.Detail.Charging, "%s", "，正在充电") + "。"
		},
		nextEN: "Plug the handheld in, or swap it for a charged one. Every entry so far is saved.",
		nextZH: "请给手持机充电，或换用已充电的手持机。已有记录均已保存。",
	},
	ClockUntrusted: {
		severity: Warning,
		en:       func(a Active) string { return "This gate is not sure of the time" + a.causeEN() + "." },
		zh:       func(a Active) string { return "本机时间不可信" + a.causeZH() + "。" },
		nextEN:   "Compare the clock on this page with a phone's. If it is wrong, call a technician.",
		nextZH:   "请将本页时钟与手机对照；如不一致，请联系技术人员。",
	},
	KeyFileLoose: {
		severity: Info,
		en: func(a Active) string {
			return "Secret keys stand unsealed in the file " + a.Subject + a.causeEN() + ". Whoever takes the disk can read them."
		},
		zh: func(a Active) string {
			return "密钥以未加密文件 " + a.Subject + " 保存" + a.causeZH() + "，取走磁盘者即可读取。"
		},
		nextEN: "Nothing to do at the lane. A technician can seal the keys to this machine.",
		nextZH: "通道无需处理。技术人员可将密钥与本机绑定加密。",
	},
	ConfigReloadFailed: {
		severity: Warning,
		en: func(a Active) string {
			return "The changed configuration has mistakes" + a.causeEN() + ". The last good one stays in use."
		},
		zh: func(a Active) string {
			return "新的配置有误" + a.causeZH() + "，继续使用上一份有效配置。"
		},
		nextEN: "Correct the file and reload. Nothing changed at the lanes.",
		nextZH: "请更正配置文件后重新加载。通道不受影响。",
	},
	PageDown: {
		severity: Warning,
		en: func(a Active) string {
			return "The staff page is not served" + a.in(" at %s") + a.causeEN() + ". The lanes go on."
		},
		zh: func(a Active) string {
			return "工作人员页面无法访问" + a.in("：%s") + a.causeZH() + "，通道照常工作。"
		},
		nextEN: "It is tried again by itself. If it stays away, call a technician; the log has the details.",
		nextZH: "系统会自动重试；如一直未恢复，请联系技术人员查看日志。",
	},
	GateUnknown: {
		severity: Warning,
		en: func(a Active) string {
			return "The venue's roster does not know this gate" + a.causeEN() + "."
		},
		zh: func(a Active) string {
			return "场馆名册中没有本闸机" + a.causeZH() + "。"
		},
		nextEN: "Nothing to do at the lane. Central adds the gate and its key to the venue and signs a new pack; or gate.id is wrong.",
		nextZH: "通道无需处理。请由票务中心将本机及其密钥加入场馆名册并重新签发数据包；或核对 gate.id 是否有误。",
	},
	LaneUnknown: {
		severity: Warning,
		en: func(a Active) string {
			return "Lane number " + a.Subject + " is not one of this gate's in the venue's roster" + a.causeEN() + "."
		},
		zh: func(a Active) string {
			return "场馆名册中，编号 " + a.Subject + " 的通道不属于本闸机" + a.causeZH() + "。"
		},
		nextEN: "Call a technician: the lane's id in the configuration, or the roster, is wrong.",
		nextZH: "请联系技术人员：配置中的通道编号或场馆名册有误。",
	},
	PackUnusable: {
		severity: Critical,
		en:       func(a Active) string { return "A ticket list on this gate cannot be used" + a.causeEN() + "." },
		zh:       func(a Active) string { return "本机的一份票务名单无法使用" + a.causeZH() + "。" },
		nextEN:   "Install that event's pack again, from central or a USB stick. Its visitors need another gate until then.",
		nextZH:   "请从中心或 U 盘重新安装该活动的数据包；在此之前请引导其观众改走其他闸机。",
	},
	EventDropped: {
		severity: Warning,
		en: func(a Active) string {
			return "Event " + a.Subject + " was taken out of the repository before it was over. Its ticket list stays in use here."
		},
		zh: func(a Active) string {
			return "活动 " + a.Subject + " 尚未结束，但已从数据源中移除。本机继续使用其票务名单。"
		},
		nextEN: "Ask central whether that was meant. If the event is off, a technician removes it from the gate.",
		nextZH: "请向票务中心确认。如活动已取消，由技术人员从本机移除。",
	},
	CentralDown: {
		severity: Info,
		en: func(a Active) string {
			return "Central does not answer" + a.causeEN() + ". The gate works on the list that it has."
		},
		zh: func(a Active) string {
			return "票务中心无响应" + a.causeZH() + "。本机按现有名单继续工作。"
		},
		nextEN: "Nothing to do at the lane. New sales and refunds arrive when there is a way again.",
		nextZH: "通道无需处理。网络恢复后会自动获取新的售票和退票信息。",
	},
	KeysUnusable: {
		severity: Warning,
		en:       func(a Active) string { return "This gate's new keys cannot be used" + a.causeEN() + "." },
		zh:       func(a Active) string { return "本机的新密钥无法使用" + a.causeZH() + "。" },
		nextEN:   "Call a technician: the gate goes on with the keys of before, and may lose touch with the others.",
		nextZH:   "请联系技术人员：本机继续使用旧密钥，可能与其他闸机失去联系。",
	},
	NetworkDown: {
		severity: Critical,
		en:       func(a Active) string { return "This gate is not on the venue's network" + a.causeEN() + "." },
		zh:       func(a Active) string { return "本机未接入场馆网络" + a.causeZH() + "。" },
		nextEN:   "Check the network cable or Wi-Fi. The lanes go on by the event's rule for a gate that is alone.",
		nextZH:   "请检查网线或 Wi-Fi。通道按活动的离线规则继续工作。",
	},
	PeersLost: {
		severity: Warning,
		en: func(a Active) string {
			return "Other gates are not heard" + a.count(": %d of them") + a.causeEN() + "."
		},
		zh: func(a Active) string {
			return "收不到其他闸机的消息" + a.count("：%d 台") + a.causeZH() + "。"
		},
		nextEN: "See whether they are switched on, and check the network. Who came in there is not known here until then.",
		nextZH: "请查看这些闸机是否开机并检查网络。恢复之前，本机不知道谁已从那里入场。",
	},
	Isolated: {
		severity: Critical,
		en: func(a Active) string {
			return "This gate is alone" + a.at(" since %s") + ": it cannot ask whether a ticket came in elsewhere" + a.causeEN() + "."
		},
		zh: func(a Active) string {
			return "本机已离线" + a.at("（自 %s 起）") + "：无法确认门票是否已从别处入场" + a.causeZH() + "。"
		},
		nextEN: "Check the network. Every admission made meanwhile is marked and compared afterwards.",
		nextZH: "请检查网络。离线期间的每次放行都会标记，恢复后自动核对。",
	},
	KeeperStopped: {
		severity: Critical,
		en: func(a Active) string {
			return "This gate can no longer keep admissions for the venue" + a.causeEN() + "."
		},
		zh:     func(a Active) string { return "本机无法继续担任入场记录的保管者" + a.causeZH() + "。" },
		nextEN: "Its lanes go on. Call a technician: with one keeper less, the next failure can isolate every gate.",
		nextZH: "通道照常工作。请联系技术人员：保管者减少后，再出故障可能使所有闸机离线。",
	},
	LogRefused: {
		severity: Warning,
		en: func(a Active) string {
			return "Records" + a.in(" in the name of gate %s") + " are not believed" + a.causeEN() + a.count(": %d times") + "."
		},
		zh: func(a Active) string {
			return a.in("以 %s 号闸机名义") + "发来的记录不可信" + a.causeZH() + a.count("：%d 次") + "。"
		},
		nextEN: "Call a technician, who finds out whether that box was set up twice, damaged, or copied.",
		nextZH: "请联系技术人员，查明该设备是否被重复部署、损坏或仿冒。",
	},
	Conflicts: {
		severity: Warning,
		en: func(a Active) string {
			return "Tickets were admitted more often than they allow" + a.count(": %d of them") + "."
		},
		zh:     func(a Active) string { return "有门票的入场次数超出允许" + a.count("：%d 张") + "。" },
		nextEN: "The list with gates and times is on the page and in 'venuegate conflicts'.",
		nextZH: "页面和 “venuegate conflicts” 中有涉及的闸机和时间。",
	},
	PhonesApart: {
		severity: Warning,
		en: func(a Active) string {
			return "Most visitors' phones show another time than this gate" + a.causeEN() + "."
		},
		zh: func(a Active) string {
			return "多数观众手机的时间与本机不一致" + a.causeZH() + "。"
		},
		nextEN: "Call a technician: the gate's clock is probably wrong.",
		nextZH: "请联系技术人员：本机时钟很可能不准。",
	},
	UplinkStuck: {
		severity: Info,
		en: func(a Active) string {
			return "Records wait for central" + a.count(": %d of them") + a.causeEN() + "."
		},
		zh: func(a Active) string {
			return "有记录等待上传至票务中心" + a.count("：%d 条") + a.causeZH() + "。"
		},
		nextEN: "Nothing to do at the lane: they are kept here and sent when there is a way.",
		nextZH: "通道无需处理：记录保存在本机，网络恢复后自动上传。",
	},
}
