package gate

// Language is a BCP 47 tag of a language that texts exist in.
type Language string

// The languages of the built-in texts.
const (
	Chinese Language = "zh-CN"
	English Language = "en"
)

// StaffText says to a steward what is the matter and what to do next. An
// unknown language gets English.
func (r Reason) StaffText(l Language) string {
	t := reasonTexts[r]
	if l == Chinese {
		return t.staffZH
	}
	return t.staffEN
}

// VisitorText says to a visitor, kindly and in few words, what to do next. An
// unknown language gets English.
func (r Reason) VisitorText(l Language) string {
	t := reasonTexts[r]
	if l == Chinese {
		return t.visitorZH
	}
	return t.visitorEN
}

// reasonText is what is said about a reason, and to whom.
type reasonText struct {
	code      string
	staffEN   string
	staffZH   string
	visitorEN string
	visitorZH string
}

var reasonTexts = map[Reason]reasonText{
	ReasonAdmitted: {
		code:      "admitted",
		staffEN:   "Good: let them in.",
		staffZH:   "有效，请放行。",
		visitorEN: "Welcome.",
		visitorZH: "欢迎入场",
	},
	ReasonReAdmitted: {
		code:      "re_admitted",
		staffEN:   "Good: coming back in.",
		staffZH:   "有效，再次入场。",
		visitorEN: "Welcome back.",
		visitorZH: "欢迎回来",
	},
	ReasonExited: {
		code:      "exited",
		staffEN:   "On the way out; recorded.",
		staffZH:   "已记录离场。",
		visitorEN: "Goodbye.",
		visitorZH: "再见",
	},
	ReasonExitUnmatched: {
		code:      "exit_unmatched",
		staffEN:   "Out, though no entry of theirs is on record.",
		staffZH:   "已离场，但无入场记录。",
		visitorEN: "Goodbye.",
		visitorZH: "再见",
	},
	ReasonPreChecked: {
		code:      "pre_checked",
		staffEN:   "Ticket is good. Nothing was used up.",
		staffZH:   "票有效，未核销。",
		visitorEN: "Your ticket is good.",
		visitorZH: "您的票有效",
	},
	ReasonOverridden: {
		code:      "overridden",
		staffEN:   "Let through by staff.",
		staffZH:   "工作人员放行。",
		visitorEN: "Please go through.",
		visitorZH: "请通过",
	},
	ReasonMalformed: {
		code:      "malformed",
		staffEN:   "A ticket code, but damaged or cut off. Ask them to show it again, brighter and whole.",
		staffZH:   "票码残缺或损坏，请调亮屏幕、完整出示后重试。",
		visitorEN: "Please show the whole code again.",
		visitorZH: "请完整出示二维码",
	},
	ReasonNotATicket: {
		code:      "not_a_ticket",
		staffEN:   "Not a ticket code. Ask them to open their ticket.",
		staffZH:   "不是票码，请对方打开票夹。",
		visitorEN: "This is not a ticket. Please open your ticket.",
		visitorZH: "这不是门票，请打开您的票",
	},
	ReasonPaymentCode: {
		code:      "payment_code",
		staffEN:   "A payment code was held up. Ask them to open their ticket.",
		staffZH:   "对方出示的是付款码，请其打开门票。",
		visitorEN: "This is a payment code. Please open your ticket.",
		visitorZH: "这是付款码，请打开您的门票",
	},
	ReasonWebLink: {
		code:      "web_link",
		staffEN:   "A web link or mini-program code, not a ticket.",
		staffZH:   "对方出示的是网址或小程序码，不是票码。",
		visitorEN: "This is a link. Please open your ticket.",
		visitorZH: "这是链接，请打开您的门票",
	},
	ReasonUnknownTicket: {
		code:      "unknown_ticket",
		staffEN:   "No such ticket on today's list. Send them to the ticket desk.",
		staffZH:   "今日名单中没有此票，请引导至票务台。",
		visitorEN: "Ticket not found. Please go to the ticket desk.",
		visitorZH: "未找到此票，请前往票务台",
	},
	ReasonWrongEvent: {
		code:      "wrong_event",
		staffEN:   "A ticket for another event. Check the date and the venue on it.",
		staffZH:   "其他活动的票，请核对日期与场馆。",
		visitorEN: "This ticket is for another event.",
		visitorZH: "此票不属于本场活动",
	},
	ReasonSignatureInvalid: {
		code:      "signature_invalid",
		staffEN:   "Forged: the issuer's signature is wrong. Call the supervisor.",
		staffZH:   "伪造票：签名无效，请通知主管。",
		visitorEN: "Ticket not valid. Please speak to our staff.",
		visitorZH: "票无效，请联系工作人员",
	},
	ReasonKeyUnknown: {
		code:      "unknown_key",
		staffEN:   "Signed with a key that this gate does not know. The gate's list may be old.",
		staffZH:   "签名密钥未知，本机名单可能过旧。",
		visitorEN: "Please speak to our staff.",
		visitorZH: "请联系工作人员",
	},
	ReasonKeyNotAllowed: {
		code:      "key_not_allowed",
		staffEN:   "Signed with a key that may not sign tickets for this event. Call the supervisor.",
		staffZH:   "该密钥无权签发本活动的票，请通知主管。",
		visitorEN: "Ticket not valid. Please speak to our staff.",
		visitorZH: "票无效，请联系工作人员",
	},
	ReasonKeyExpired: {
		code:      "key_expired",
		staffEN:   "Signed with a key that has run out. Send them to the ticket desk.",
		staffZH:   "签名密钥已过期，请引导至票务台。",
		visitorEN: "Please go to the ticket desk.",
		visitorZH: "请前往票务台",
	},
	ReasonCodeStale: {
		code:      "code_stale",
		staffEN:   "An old code: a screenshot, or a phone whose clock is slow. Ask them to open the live ticket.",
		staffZH:   "票码已过期：可能是截图，或手机时间偏慢。请其打开实时票码。",
		visitorEN: "This code is out of date. Please open your live ticket; screenshots do not work.",
		visitorZH: "此码已过期，请打开实时票码（截图无效）",
	},
	ReasonCodeEarly: {
		code:      "code_early",
		staffEN:   "A code from the future: the phone's clock is fast. Ask them to go online or to set the time.",
		staffZH:   "手机时间偏快，请其联网或校准时间。",
		visitorEN: "Your phone's clock is fast. Please set it to automatic.",
		visitorZH: "您的手机时间偏快，请设为自动",
	},
	ReasonCodeInvalid: {
		code:      "code_invalid",
		staffEN:   "Forged or mangled: the code does not belong to this ticket.",
		staffZH:   "伪造或损坏：码与票不符。",
		visitorEN: "Code not valid. Please open your live ticket.",
		visitorZH: "此码无效，请打开实时票码",
	},
	ReasonSuperseded: {
		code:      "superseded",
		staffEN:   "An old version: the ticket was transferred or issued anew. The new holder has the good one.",
		staffZH:   "旧版票：已转让或重新出票，以新票为准。",
		visitorEN: "This ticket was replaced. Please show the newest one.",
		visitorZH: "此票已被替换，请出示最新的票",
	},
	ReasonNewerThanPack: {
		code:      "newer_than_pack",
		staffEN:   "Newer than this gate's list. Ask them to tap for the full code.",
		staffZH:   "比本机名单新，请其点按显示完整码。",
		visitorEN: "Please tap your ticket to show the full code.",
		visitorZH: "请点按门票显示完整码",
	},
	ReasonBodyMismatch: {
		code:      "body_mismatch",
		staffEN:   "The code and the list disagree about this ticket. Send them to the ticket desk.",
		staffZH:   "票码与名单信息不一致，请引导至票务台。",
		visitorEN: "Please go to the ticket desk.",
		visitorZH: "请前往票务台",
	},
	ReasonCodeUsed: {
		code:      "code_used",
		staffEN:   "This very code was used before. Ask for the live code on their own phone.",
		staffZH:   "此码已使用过，请出示本人手机上的实时票码。",
		visitorEN: "This code was used already. Please show the next one.",
		visitorZH: "此码已使用，请等待刷新后再出示",
	},
	ReasonTicketVoid: {
		code:      "ticket_void",
		staffEN:   "Void. Send them to the ticket desk.",
		staffZH:   "此票已作废，请引导至票务台。",
		visitorEN: "This ticket is void. Please go to the ticket desk.",
		visitorZH: "此票已作废，请前往票务台",
	},
	ReasonTicketRefunded: {
		code:      "ticket_refunded",
		staffEN:   "Refunded. Send them to the ticket desk.",
		staffZH:   "此票已退款，请引导至票务台。",
		visitorEN: "This ticket was refunded.",
		visitorZH: "此票已退款",
	},
	ReasonTicketUsedUp: {
		code:      "ticket_used_up",
		staffEN:   "Used up.",
		staffZH:   "此票次数已用完。",
		visitorEN: "This ticket is used up.",
		visitorZH: "此票已用完",
	},
	ReasonTicketBlocked: {
		code:      "ticket_blocked",
		staffEN:   "Blocked by a supervisor's order. Call the supervisor.",
		staffZH:   "此票已被主管停用，请通知主管。",
		visitorEN: "Please speak to our staff.",
		visitorZH: "请联系工作人员",
	},
	ReasonDocumentBlocked: {
		code:      "document_blocked",
		staffEN:   "The holder of this document is blocked by a supervisor's order. Call the supervisor.",
		staffZH:   "该证件持有人已被主管限制入场，请通知主管。",
		visitorEN: "Please speak to our staff.",
		visitorZH: "请联系工作人员",
	},
	ReasonLaneHeld: {
		code:      "lane_held",
		staffEN:   "The queue is held by order: nobody is let in for now. Exits work.",
		staffZH:   "按指令暂停入场，出场照常。",
		visitorEN: "Entry is paused. Please wait a moment.",
		visitorZH: "暂停入场，请稍候",
	},
	ReasonEvacuation: {
		code:      "evacuation",
		staffEN:   "Evacuation: nobody goes in. Keep the way out clear.",
		staffZH:   "疏散中：禁止入场，请保持出口畅通。",
		visitorEN: "Please do not enter. Leave by the nearest exit.",
		visitorZH: "请勿进入，请从最近的出口离开",
	},
	ReasonEntranceMoved: {
		code:      "entrance_moved",
		staffEN:   "By order, visitors of this entrance go in by another one. Send them there.",
		staffZH:   "按指令，本入口观众改由其他入口入场，请引导。",
		visitorEN: "Please use the other entrance; our staff will show you the way.",
		visitorZH: "请改走其他入口，工作人员会为您指路",
	},
	ReasonDoorsNotOpen: {
		code:      "doors_not_open",
		staffEN:   "Doors are not open yet.",
		staffZH:   "尚未开始检票。",
		visitorEN: "Doors are not open yet.",
		visitorZH: "尚未开始入场",
	},
	ReasonLastEntryPassed: {
		code:      "last_entry_passed",
		staffEN:   "Last entry has passed.",
		staffZH:   "已停止入场。",
		visitorEN: "Last entry has passed.",
		visitorZH: "已停止入场",
	},
	ReasonSessionOver: {
		code:      "session_over",
		staffEN:   "The session is over.",
		staffZH:   "场次已结束。",
		visitorEN: "The session is over.",
		visitorZH: "场次已结束",
	},
	ReasonOtherSession: {
		code:      "other_session",
		staffEN:   "A ticket for another session. Check day and time on it.",
		staffZH:   "其他场次的票，请核对日期与时间。",
		visitorEN: "This ticket is for another session.",
		visitorZH: "此票为其他场次",
	},
	ReasonNotYetValid: {
		code:      "not_yet_valid",
		staffEN:   "Not valid yet.",
		staffZH:   "尚未到有效期。",
		visitorEN: "Your ticket is not valid yet.",
		visitorZH: "您的票尚未生效",
	},
	ReasonNoLongerValid: {
		code:      "no_longer_valid",
		staffEN:   "No longer valid.",
		staffZH:   "已过有效期。",
		visitorEN: "Your ticket is no longer valid.",
		visitorZH: "您的票已过有效期",
	},
	ReasonBeforeAdmission: {
		code:      "before_admission",
		staffEN:   "Before their admission time.",
		staffZH:   "未到预约入场时间。",
		visitorEN: "Please come back at your admission time.",
		visitorZH: "请按预约时间入场",
	},
	ReasonWrongZone: {
		code:      "wrong_zone",
		staffEN:   "This ticket is not for this area.",
		staffZH:   "此票不可进入该区域。",
		visitorEN: "Your ticket is for another area.",
		visitorZH: "您的票不适用于该区域",
	},
	ReasonWrongEntrance: {
		code:      "wrong_entrance",
		staffEN:   "This ticket is for another entrance.",
		staffZH:   "此票请走其他入口。",
		visitorEN: "Please use your own entrance.",
		visitorZH: "请前往您的入口",
	},
	ReasonLaneClosed: {
		code:      "lane_closed",
		staffEN:   "This lane is closed.",
		staffZH:   "本通道已关闭。",
		visitorEN: "This lane is closed.",
		visitorZH: "本通道已关闭",
	},
	ReasonLaneBusy: {
		code:      "lane_busy",
		staffEN:   "Somebody is still passing. Wait, then scan again.",
		staffZH:   "前一位正在通行，请稍候再扫。",
		visitorEN: "Please wait a moment.",
		visitorZH: "请稍候",
	},
	ReasonAlreadyInside: {
		code:      "already_inside",
		staffEN:   "Already inside. Somebody came in with this ticket before.",
		staffZH:   "此票已入场。",
		visitorEN: "This ticket is already inside.",
		visitorZH: "此票已入场",
	},
	ReasonNoReEntry: {
		code:      "no_re_entry",
		staffEN:   "Came in and went out; there is no coming back with this ticket.",
		staffZH:   "此票已入场并离场，不可再次入场。",
		visitorEN: "No re-entry with this ticket.",
		visitorZH: "此票不可再次入场",
	},
	ReasonPauseNotOver: {
		code:      "pause_not_over",
		staffEN:   "Too soon to come back in.",
		staffZH:   "间隔时间未到，暂不可再次入场。",
		visitorEN: "Too soon to come back in.",
		visitorZH: "间隔时间未到，请稍后",
	},
	ReasonEntriesUsedUp: {
		code:      "entries_used_up",
		staffEN:   "All entries of this ticket are used.",
		staffZH:   "此票入场次数已用完。",
		visitorEN: "All entries of this ticket are used.",
		visitorZH: "入场次数已用完",
	},
	ReasonPartyComplete: {
		code:      "party_complete",
		staffEN:   "The whole party is inside already.",
		staffZH:   "同行人员已全部入场。",
		visitorEN: "Your party is complete.",
		visitorZH: "同行人员已全部入场",
	},
	ReasonPersonAlreadyInside: {
		code:      "person_already_inside",
		staffEN:   "This person came in already, with another ticket.",
		staffZH:   "此人已使用另一张票入场。",
		visitorEN: "You are already inside with another ticket.",
		visitorZH: "您已使用另一张票入场",
	},
	ReasonEnteredByOldHolder: {
		code:      "entered_by_old_holder",
		staffEN:   "The former holder of this ticket is inside. Call the supervisor.",
		staffZH:   "该票的原持有人已入场，请通知主管。",
		visitorEN: "Please speak to our staff.",
		visitorZH: "请联系工作人员",
	},
	ReasonClaimedElsewhere: {
		code:      "claimed_elsewhere",
		staffEN:   "Just used at another lane.",
		staffZH:   "此票刚刚在其他通道使用。",
		visitorEN: "This ticket was just used at another gate.",
		visitorZH: "此票刚在其他通道使用",
	},
	ReasonDocumentNeeded: {
		code:      "document_needed",
		staffEN:   "Ask for the document that the ticket was bought with.",
		staffZH:   "请出示购票所用证件。",
		visitorEN: "Please present your ID document.",
		visitorZH: "请出示购票证件",
	},
	ReasonCodeNeeded: {
		code:      "code_needed",
		staffEN:   "Ask for the ticket code as well.",
		staffZH:   "还需出示票码。",
		visitorEN: "Please show your ticket code as well.",
		visitorZH: "请同时出示票码",
	},
	ReasonDocumentMismatch: {
		code:      "document_mismatch",
		staffEN:   "This document does not belong to this ticket.",
		staffZH:   "证件与此票不符。",
		visitorEN: "This document does not match the ticket.",
		visitorZH: "证件与门票不符",
	},
	ReasonDocumentUnknown: {
		code:      "document_unknown",
		staffEN:   "No ticket today for this document. They may have bought with another one.",
		staffZH:   "此证件今日无票，可能用其他证件购票。",
		visitorEN: "No ticket found for this document.",
		visitorZH: "未找到该证件对应的票",
	},
	ReasonNoDocumentOnFile: {
		code:      "no_document_on_file",
		staffEN:   "A real-name event, but no document is on file for this ticket. Send them to the ticket desk.",
		staffZH:   "实名制活动，但此票未登记证件，请引导至票务台。",
		visitorEN: "Please go to the ticket desk.",
		visitorZH: "请前往票务台",
	},
	ReasonSeveralTickets: {
		code:      "several_tickets",
		staffEN:   "Several tickets for this document. Choose one.",
		staffZH:   "此证件有多张票，请选择。",
		visitorEN: "Please speak to our staff.",
		visitorZH: "请联系工作人员",
	},
	ReasonDocumentUnreadable: {
		code:      "document_unreadable",
		staffEN:   "The document could not be read. Try again, flat and still.",
		staffZH:   "证件未能读取，请平放静止后重试。",
		visitorEN: "Please place your document again.",
		visitorZH: "请重新放置证件",
	},
	ReasonFaceNotMatched: {
		code:      "face_not_matched",
		staffEN:   "The face terminal did not know this face. Try again, or check the document by hand.",
		staffZH:   "人脸比对未通过，请重试或人工核验证件。",
		visitorEN: "Please look at the terminal again, or show your document.",
		visitorZH: "请重新刷脸，或出示证件",
	},
	ReasonIsolated: {
		code:      "isolated",
		staffEN:   "This gate cannot ask the others whether the ticket was used. Check by hand.",
		staffZH:   "本机无法与其他闸机核对，请人工核验。",
		visitorEN: "Please speak to our staff.",
		visitorZH: "请联系工作人员",
	},
	ReasonNoPack: {
		code:      "no_pack",
		staffEN:   "This gate has no ticket list. Call a technician.",
		staffZH:   "本机没有票务名单，请联系技术人员。",
		visitorEN: "This gate is out of service.",
		visitorZH: "本通道暂停使用",
	},
	ReasonNotRecorded: {
		code:      "not_recorded",
		staffEN:   "The entry could not be saved, so the gate stayed shut. Call a technician.",
		staffZH:   "入场记录无法保存，闸机未开，请联系技术人员。",
		visitorEN: "This gate is out of service.",
		visitorZH: "本通道暂停使用",
	},
	ReasonBarrierFailed: {
		code:      "barrier_failed",
		staffEN:   "The barrier does not answer. Let them through by hand or send them to another lane.",
		staffZH:   "闸机无响应，请人工放行或引导至其他通道。",
		visitorEN: "Please use another lane.",
		visitorZH: "请使用其他通道",
	},
	ReasonClockUntrusted: {
		code:      "clock_untrusted",
		staffEN:   "This gate is not sure of the time. Ask for a document.",
		staffZH:   "本机时间不可信，请核对证件。",
		visitorEN: "Please present your ID document.",
		visitorZH: "请出示证件",
	},
	ReasonLaneUnknown: {
		code:      "lane_unknown",
		staffEN:   "This lane is not in the venue's plan. Call a technician: its id in the configuration may be wrong.",
		staffZH:   "场馆规划中没有本通道，请联系技术人员核对配置中的通道编号。",
		visitorEN: "Please use another lane.",
		visitorZH: "请使用其他通道",
	},
	ReasonPassageForced: {
		code:      "passage_forced",
		staffEN:   "Somebody went through without a ticket. Look at the lane.",
		staffZH:   "有人未经验票强行通过，请查看通道。",
		visitorEN: "Please show your ticket first.",
		visitorZH: "请先出示门票",
	},
	ReasonPassageWrongWay: {
		code:      "passage_wrong_way",
		staffEN:   "Somebody went through against the direction.",
		staffZH:   "有人逆向通过。",
		visitorEN: "Please use the other side.",
		visitorZH: "请走另一侧",
	},
	ReasonPassageTailgate: {
		code:      "passage_tailgate",
		staffEN:   "One more person went through than was let in.",
		staffZH:   "有人尾随通过。",
		visitorEN: "One person at a time, please.",
		visitorZH: "请逐一通过",
	},
	ReasonFire: {
		code:      "fire",
		staffEN:   "Fire signal: the barrier is released. Let everybody pass.",
		staffZH:   "消防信号：闸机已全部释放，请放行所有人。",
		visitorEN: "Please leave calmly.",
		visitorZH: "请有序离场",
	},
	ReasonFireQuiet: {
		code:      "fire_quiet",
		staffEN:   "The fire signal is gone. The barrier stays released until a person ends it.",
		staffZH:   "消防信号已解除，闸机保持释放，需人工恢复。",
		visitorEN: "Please follow the staff.",
		visitorZH: "请听从工作人员指引",
	},
	ReasonFirePassage: {
		code:      "fire_passage",
		staffEN:   "Somebody went through while the barrier was released.",
		staffZH:   "释放期间有人通过。",
		visitorEN: "Please leave calmly.",
		visitorZH: "请有序离场",
	},
	ReasonFireEnded: {
		code:      "fire_ended",
		staffEN:   "A person ended the release after a fire signal.",
		staffZH:   "消防释放已由人工恢复。",
		visitorEN: "Please show your ticket.",
		visitorZH: "请出示门票",
	},
	ReasonEvacuationBegun: {
		code:      "evacuation_begun",
		staffEN:   "Evacuation: the barrier stands open both ways. Let everybody out.",
		staffZH:   "疏散：闸机双向开放，请让所有人离场。",
		visitorEN: "Please leave calmly.",
		visitorZH: "请有序离场",
	},
	ReasonEvacuationPassage: {
		code:      "evacuation_passage",
		staffEN:   "Somebody went through during the evacuation.",
		staffZH:   "疏散期间有人通过。",
		visitorEN: "Please leave calmly.",
		visitorZH: "请有序离场",
	},
	ReasonEvacuationEnded: {
		code:      "evacuation_ended",
		staffEN:   "The evacuation is over; the barrier works again.",
		staffZH:   "疏散结束，闸机恢复工作。",
		visitorEN: "Please show your ticket.",
		visitorZH: "请出示门票",
	},
	ReasonEvacuationButton: {
		code:      "evacuation_button",
		staffEN:   "Somebody pressed the evacuation button: every barrier opens.",
		staffZH:   "有人按下疏散按钮：所有闸机开放。",
		visitorEN: "Please leave calmly.",
		visitorZH: "请有序离场",
	},
	ReasonEvacuationButtonReleased: {
		code:      "evacuation_button_released",
		staffEN:   "The evacuation button is as before. The order stands until a supervisor ends it.",
		staffZH:   "疏散按钮已复位，疏散命令仍有效，需由主管解除。",
		visitorEN: "Please follow the staff.",
		visitorZH: "请听从工作人员指引",
	},
}
