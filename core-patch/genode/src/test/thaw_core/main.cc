/*
 * \brief  Stops and resumes a child again and again through the service in core
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#include <base/component.h>
#include <base/attached_rom_dataspace.h>
#include <base/child.h>
#include <cpu_session/connection.h>
#include <base/heap.h>
#include <base/log.h>
#include <timer_session/connection.h>
#include <pd_session/connection.h>

#include <thaw_core_session/connection.h>

using namespace Genode;

using S = Thaw::Core_session;

struct Policy : Child_policy
{
	Env &_env;
	Heap _heap { _env.ram(), _env.rm() };
	Id_space<Parent::Server> _server_ids { };

	struct Routed : Parent_service { Routed(Env &env, Service::Name const &n) : Parent_service(env, n) { } };
	Routed _pd { _env, "PD" }, _cpu { _env, "CPU" }, _log { _env, "LOG" }, _rom { _env, "ROM" };

	Policy(Env &env) : _env(env) { }

	Name        name()        const override { return "target"; }
	Binary_name binary_name() const override { return "test-thaw_core_target"; }

	Pd_account               &ref_account()           override { return _env.pd(); }
	Capability<Pd_account>    ref_account_cap() const override { return _env.pd_session_cap(); }
	Ram_allocator            &session_md_ram()        override { return _env.ram(); }
	Id_space<Parent::Server> &server_id_space()       override { return _server_ids; }

	void init(Pd_session &pd, Pd_session_capability cap) override
	{
		(void)pd.ref_account(_env.pd_session_cap());
		(void)_env.pd().transfer_quota(cap, Ram_quota { 4*1024*1024 });
		(void)_env.pd().transfer_quota(cap, Cap_quota { 200 });
	}

	void _with_route(Service::Name const &service, Session_label const &label,
	                 With_route::Ft const &fn, With_no_route::Ft const &denied) override
	{
		/*
		 * The configuration would be init's ROM module. The dynamic linker closes it, but not always is its capability
		 * gone from the target then, and a stop refuses what belongs to a component outside. So it gets one of core's.
		 */
		bool const is_config = service == "ROM" && label.last_element() == "config";
		Session_label const wanted = is_config ? Session_label("thaw_core") : label;

		Service *all[] { &_pd, &_cpu, &_log, &_rom };
		for (Service *s : all)
			if (s->name() == service) { fn(Route { *s, wanted }); return; }
		denied();
	}
};

/* a child cannot be a base class outside of ld.lib.so, as 'Constructible' would have it */
struct Target
{
	Child child;

	Target(Env &env, Policy &policy) : child(env.rm(), env.ep().rpc_ep(), policy) { }
};

struct Test
{
	Env &_env;
	Attached_rom_dataspace _config { _env, "config" };
	Timer::Connection      _timer  { _env };
	Constructible<Thaw::Core_connection> _core { };
	Policy                 _policy { _env };
	Constructible<Target>  _target { };

	unsigned const _stops = _config.node().attribute_value("stops", 20u);
	unsigned _failed { 0 };

	/* the entrypoint serves the child, so somebody else has to stop it */
	struct Stopper : Thread
	{
		Test &_test;
		Stopper(Env &env, Test &test) : Thread(env, Name("stopper"), Stack_size { 64*1024 }), _test(test) { }
		void entry() override { _test.work(); }
	} _stopper { _env, *this };

	S::Message verb(S::Word number, S::Word session, S::Word a = 0, S::Word b = 0)
	{
		S::Message m { .count = 4 };
		m.words[0] = number; m.words[1] = session; m.words[2] = a; m.words[3] = b;
		return _core->call(m);
	}

	void show()
	{
		for (S::Word i = 0; ; i++) {
			S::Thread const t = _core->thread(i);
			if (t.result == S::Result::NOT_OPEN) break;
			if (t.result == S::Result::OK)
				log("  thread ", i, " ", t.name, " started=", t.started, " prio=", t.priority, " utcb=", Hex(t.utcb),
				    " badges ", Hex(t.badges.thread), " ", Hex(t.badges.irq), " ", Hex(t.badges.gate), " ", Hex(t.badges.cpu_thread));
		}
		for (S::Word i = 0; ; i++) {
			S::Region const r = _core->region(i);
			if (r.result != S::Result::OK) break;
			log("  region ", Hex(r.addr), " size ", Hex(r.size), " offset ", Hex(r.offset), " ds ", Hex(r.ds_badge), " size ",
			    Hex(r.ds_size), " memory ", (unsigned)r.memory, r.writeable ? " w" : "", r.executable ? " x" : "", " map ", r.map);
		}
		for (S::Word i = 0; ; i++) {
			S::Slot const s = _core->slot(i);
			if (s.result != S::Result::OK) break;
			log("  slot ", Hex(s.slot), " badge ", Hex(s.badge), " kind ", (unsigned)s.kind, " a ", Hex(s.a), " b ", s.b);
		}
	}

	void expect(char const *what, S::Word is, S::Word should_be)
	{
		bool const ok = is == should_be;
		log(ok ? "passed: " : "FAIL: ", what, " ", (int)is, ok ? "" : " expected ", ok ? String<16>("") : String<16>((int)should_be));
		_failed += !ok;
	}

	void refusals()
	{
		using R = S::Result;
		expect("open our own PD",               (S::Word)_core->open(_env.pd_session_cap()).result,           (S::Word)R::NOT_YOURS);
		expect("open no PD",                    (S::Word)_core->open(Capability<Pd_session>()).result,        (S::Word)R::NOT_YOURS);
		expect("introduce with a foreign PD",   (S::Word)_core->introduce(_target->child.pd_session_cap()),           (S::Word)R::NOT_YOURS);
		expect("look at a PD that is not open", (S::Word)_core->thread(0).result,                             (S::Word)R::NOT_OPEN);
		expect("stop without a session",        verb(3, 1).label,                                            (S::Word)-3002);
	}

	/* a capability to a component outside, in the target's slots */
	void foreign_capability(S::Word session)
	{
		enum { SLOT = 0x7f0, STOP = 3, UNKNOWN_PEER = 3022 };
		/* what the stop looks at first is older than the planted capability, which it must find all the same */
		expect("list the slots",              (S::Word)_core->slot(0).result,              (S::Word)S::Result::OK);
		expect("slot that core fills itself", (S::Word)_core->install(0xc, _timer.cap()),  (S::Word)S::Result::BAD_SLOT);
		expect("plant a foreign capability",  (S::Word)_core->install(SLOT, _timer.cap()), (S::Word)S::Result::OK);
		expect("slot is full",                (S::Word)_core->install(SLOT, _timer.cap()), (S::Word)S::Result::BAD_SLOT);
		S::Message m = verb(STOP, session);
		expect("stop with it",                m.label,    (S::Word)-UNKNOWN_PEER);
		/* what a failed stop leaves behind must not show at the next one either */
		for (unsigned i = 0; i < 20; i++) {
			_timer.msleep(11);
			m = verb(STOP, session);
		}
		expect("names the slot",              m.words[0], SLOT);
	}

	S::Opened open() { return _core->open(_target->child.pd_session_cap()); }

	S::Word index_of(char const *name)
	{
		S::Word i = 0;
		while (_core->thread(i).name != name) i++;
		return i;
	}

	/* ends one of the target's threads while that stands still, and lets the others go on */
	void end_and_commit(S::Word session, char const *name)
	{
		enum { COMMIT = 7 };
		S::Word const victim = index_of(name);
		_core->object(S::Kind::CPU_THREAD, victim).with_result(
			[&] (Native_capability cap) {
				_target->child.with_cpu([&] (Cpu_session &cpu) {
				                 	cpu.kill_thread(reinterpret_cap_cast<Cpu_thread>(cap)); }, [&] { }); },
			[&] (S::Result) { expect("thread that ends", 0, 1); });
		expect("thread has ended", _core->thread(victim).result == S::Result::OK, false);
		expect("the others go on", verb(COMMIT, session).label, 0);
		log(name, " has ended during a stop");
		_timer.msleep(3000);
	}

	/* one of its threads is ended while the target stands still */
	void thread_ends_stopped(S::Word session, char const *name)
	{
		enum { STOP = 3, COMMIT = 7 };
		expect("stop before a thread ends", verb(STOP, session).label, 0);
		end_and_commit(session, name);
		expect("stop of the others",   verb(STOP, session).label, 0);
		expect("resume of the others", verb(COMMIT, session).label, 0);
	}

	/*
	 * The server of two callers is ended while the target stands still. As without a stop, the one whose call it has goes
	 * on waiting, and the system call of the one in its queue ends, with an error of which Genode tells nobody.
	 */
	void server_ends_stopped()
	{
		enum { STOP = 3, THREAD_GET = 5, COMMIT = 7, CALL_DELIVERED = 5, SEND_QUEUED = 6, USER = 1, RECEIVE = 2,
		       UNKNOWN_PEER = 3022 };
		_target.destruct();
		_target.construct(_env, _policy);
		_timer.msleep(3000);
		S::Word const session = open().session;
		S::Word const a = index_of("caller_a"), b = index_of("caller_b");
		auto doing = [&] (S::Word i) { return verb(THREAD_GET, session, i).words[1]; };
		S::Word waiting = a, queued = b;
		bool found = false;
		for (unsigned i = 0; i < 100 && !found; i++) {
			_timer.msleep(7 + i % 13);
			if (verb(STOP, session).label) continue;
			waiting = doing(a) == CALL_DELIVERED ? a : b;
			queued  = waiting == a ? b : a;
			found   = doing(waiting) == CALL_DELIVERED && doing(queued) == SEND_QUEUED;
			if (!found) verb(COMMIT, session);
		}
		expect("callers at the server and in its queue", found, true);
		end_and_commit(session, "server");
		expect("caller whose call it had waits on", doing(waiting), RECEIVE);
		expect("caller in its queue goes on",       doing(queued), USER);
		expect("stop with a gate that leads nowhere", verb(STOP, session).label, (S::Word)-UNKNOWN_PEER);
	}

	/* the target is destroyed while it stands still */
	void target_ends_stopped(S::Word session)
	{
		enum { STOP = 3, COMMIT = 7 };
		expect("stop before the target ends", verb(STOP, session).label, 0);
		_target.destruct();
		expect("look at the target",  (S::Word)_core->slot(0).result, (S::Word)S::Result::NOT_OPEN);
		expect("to go on is refused",       verb(COMMIT, session).label != 0, true);
		expect("a stop is refused",         verb(STOP, session).label != 0, true);
		_target.construct(_env, _policy);
		log("the target was destroyed during a stop, and made again");
		_timer.msleep(3000);
		S::Opened const opened = open();
		expect("open the new one",   (S::Word)opened.result, (S::Word)S::Result::OK);
		expect("stop the new one",   verb(STOP, opened.session).label, 0);
		expect("resume the new one", verb(COMMIT, opened.session).label, 0);
	}

	/* a busy host may leave a barrier too little of its time */
	S::Word stop_surely(S::Word session)
	{
		enum { STOP = 3, BARRIER_TIMEOUT = 3011 };
		S::Word label = verb(STOP, session).label;
		for (unsigned i = 0; i < 5 && label == S::Word(-BARRIER_TIMEOUT); i++) {
			_timer.msleep(100);
			label = verb(STOP, session).label;
		}
		return label;
	}

	/* the target is destroyed while it stands still, and then the session ends: as when their parent is killed */
	void all_end_stopped(S::Word session)
	{
		enum { COMMIT = 7 };
		expect("stop before all ends", stop_surely(session), 0);
		_target.destruct();
		_core.destruct();
		_core.construct(_env);
		_target.construct(_env, _policy);
		log("target and session ended during a stop, and were made again");
		expect("introduce after all ended", (S::Word)_core->introduce(_env.pd_session_cap()), (S::Word)S::Result::OK);
		_timer.msleep(3000);
		S::Opened const opened = open();
		expect("open after all ended",   (S::Word)opened.result, (S::Word)S::Result::OK);
		expect("stop after all ended",   stop_surely(opened.session), 0);
		expect("resume after all ended", verb(COMMIT, opened.session).label, 0);
	}

	/* a restore that is given up has threads that never ran; the kernel must not keep the tasks of those */
	void half_made()
	{
		enum { ROUNDS = 400, BADGE = 0x7000000, NEXT = 4 };
		unsigned made = 0;
		for (; made < ROUNDS; made++) {
			Pd_connection  pd  { _env, "half_made" };
			Cpu_connection cpu { _env, "half_made" };
			(void)pd.ref_account(_env.pd_session_cap());
			(void)_env.pd().transfer_quota(pd.cap(), Ram_quota { 512*1024 });
			(void)_env.pd().transfer_quota(pd.cap(), Cap_quota { 20 });
			cpu.upgrade_ram(64*1024);
			cpu.upgrade_caps(20);
			if (_core->open(pd.cap()).result != S::Result::OK)
				break;
			S::Thread const thread { .started = 1,
			                         .badges  = { BADGE, BADGE + NEXT, BADGE + 2*NEXT, BADGE + 3*NEXT, 0 },
			                         .name    = "half" };
			S::Result result = S::Result::OK;
			_core->create_thread(cpu.cap(), 0, thread).with_error([&] (S::Result r) { result = r; });
			if (result != S::Result::OK) {
				log("half-made PD ", made, ": result ", (unsigned)result);
				break;
			}
		}
		expect("half-made PDs that leave nothing", made, ROUNDS);
	}

	/* the session ends while the target stands still */
	void leave_stopped(S::Word session)
	{
		enum { STOP = 3, COMMIT = 7 };
		Thaw::Core_connection second { _env };
		expect("a second session",       (S::Word)second.open(_target->child.pd_session_cap()).result, (S::Word)S::Result::BUSY);
		expect("stop before leaving",    verb(STOP, session).label, 0);
		S::Message number { .count = 2 };
		number.words[0] = COMMIT; number.words[1] = session;
		expect("our number in the second session", second.call(number).label, (S::Word)-3002);
		log("session ends with the target stopped");
		_core.destruct();
		_timer.msleep(3000);
		_core.construct(_env);
		expect("introduce again",        (S::Word)_core->introduce(_env.pd_session_cap()), (S::Word)S::Result::OK);
		S::Opened const opened = open();
		expect("open again",             (S::Word)opened.result, (S::Word)S::Result::OK);
		expect("the old session's number", verb(STOP, session).label, (S::Word)-3002);
		expect("stop again",             verb(STOP, opened.session).label, 0);
		expect("resume again",           verb(COMMIT, opened.session).label, 0);
	}

	void work()
	{
		/* the control: what the target says of itself without stops */
		_timer.msleep(3000);
		log("control ends");
		_core.construct(_env);
		refusals();
		expect("introduce", (S::Word)_core->introduce(_env.pd_session_cap()), (S::Word)S::Result::OK);
		S::Opened const opened = open();
		log("open: ", (unsigned)opened.result, " session ", opened.session, " error ", (int)opened.error);
		if (opened.result != S::Result::OK) { log("FAIL: open"); log("thaw_core test done"); return; }
		show();
		enum { STOP = 3, COMMIT = 7, THREAD_GET = 5 };
		unsigned failed_stops = 0;
		for (unsigned i = 0; i < _stops; i++) {
			S::Message m = verb(STOP, opened.session);
			if (m.label) {
				if (failed_stops++ < 6) log("stop ", i, ": error ", (int)m.label, " operands ", Hex(m.words[0]), " ", Hex(m.words[1]), " ", Hex(m.words[2]));
			} else {
				if (i < 3) {
					log("stop ", i, ": threads ", m.words[0], " cancelled ", m.words[1], " drained ", m.words[2], " links ", m.words[3], " barriers ", m.words[4]);
					for (unsigned t = 0; t < 16; t++) {
						S::Message a = verb(THREAD_GET, opened.session, t, 0);
						S::Message f = verb(THREAD_GET, opened.session, t, 1);
						if (!a.label && a.words[0]) log("   thread ", t, " kind ", a.words[1], " selector ", Hex(a.words[2]), " peer ", (int)a.words[4], " badge ", Hex(a.words[5]), " pc ", Hex(f.words[18]));
					}
				}
				m = verb(COMMIT, opened.session);
				if (m.label)
					log("commit ", i, ": error ", (int)m.label, " operands ", Hex(m.words[0]), " ", Hex(m.words[1]), " ", Hex(m.words[2]));
			}
			_timer.msleep(7 + i % 13);
		}
		log("stops ", _stops, " failed ", failed_stops);
		_failed += failed_stops;
		leave_stopped(opened.session);
		_timer.msleep(3000);
		half_made();
		target_ends_stopped(open().session);
		all_end_stopped(open().session);
		_timer.msleep(3000);
		S::Word const session = open().session;
		thread_ends_stopped(session, "vfp");
		thread_ends_stopped(session, "caller_b");
		foreign_capability(session);
		_timer.msleep(3000);
		server_ends_stopped();
		log(_failed ? "FAIL: " : "passed: ", _failed, " failures");
		log("thaw_core test done");
	}

	Test(Env &env) : _env(env)
	{
		_target.construct(_env, _policy);
		_stopper.start();
	}
};

void Component::construct(Env &env) { static Test test(env); }
